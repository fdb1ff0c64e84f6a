//! The settings of a run's data that its export carries: how data is read, not where it is.

use rekindle_settings::{Field, Section, Sections, SettingError, Table, Value};

/// The table of these settings, in `config.toml` and in an export's `config.json`.
pub const DATA: &str = "data";
/// The placeholders, in help texts, of settings that name files.
const PLACES: [&str; 4] = ["PATH", "FILE", "FOLDER", "GLOB"];
/// Settings of the machine: threads that read the data.
const OF_MACHINE: [&str; 1] = ["workers"];

/// The settings of the data in a run's `config`, by their present keys, without those that name files or are the
/// machine's. `sections` are the settings of the run's task.
pub fn carried(sections: &[Section], config: &Table) -> Table {
    let given = config.get(DATA).and_then(Value::as_table);
    let value = |field: &Field| keys(field).find_map(|key| given?.get(key).cloned());
    let fields = fields(sections, DATA).iter().filter(|field| travels(field));
    fields.filter_map(|field| Some((field.key.to_owned(), value(field)?))).collect()
}

/// The key of a setting in `data`, from the description of an export, that exports do not carry.
pub(super) fn foreign(sections: &[Section], data: &Table) -> Option<String> {
    let stays = fields(sections, DATA).iter().filter(|field| !travels(field));
    stays.flat_map(keys).find(|key| data.contains_key(*key)).map(str::to_owned)
}

/// `settings` without those that name files or are the machine's: these are the defaults.
///
/// # Errors
///
/// When TOML cannot hold the settings.
pub(super) fn without_places<S: Sections>(settings: &S) -> Result<S, SettingError> {
    with_data_of(settings, settings)
}

/// `settings` with those of the data of `run` that an export carries.
///
/// # Errors
///
/// When TOML cannot hold the settings.
pub(super) fn with_data_of<S: Sections>(settings: &S, run: &S) -> Result<S, SettingError> {
    replaced(settings, DATA, carried(&S::sections(), &to_table(run)?))
}

/// `settings` with those of the table `name` in place of its own, and defaults for missing ones. They are not checked
/// against each other: more tables may follow.
///
/// # Errors
///
/// For the first invalid key or value.
pub(super) fn replaced<S: Sections>(settings: &S, name: &str, mut given: Table) -> Result<S, SettingError> {
    let sections = S::sections();
    let fields = fields(&sections, name);
    for field in fields {
        for former in &field.former {
            let Some(value) = given.remove(*former) else { continue };
            if given.insert(field.key.to_owned(), value).is_some() {
                return Err(SettingError::Twice { key: field.key.to_owned(), other: (*former).to_owned() });
            }
        }
    }
    for (key, value) in &given {
        let Some(field) = fields.iter().find(|field| field.key == key) else {
            let known: Vec<_> = fields.iter().map(|field| field.key).collect();
            return Err(SettingError::Unknown { key: key.clone(), known: known.join(", ") });
        };
        field.check(value)?;
    }
    let mut tables = to_table(settings)?;
    let mut group = match to_table(&S::default())?.remove(name) {
        Some(Value::Table(defaults)) => defaults,
        _ => Table::new(),
    };
    group.extend(given);
    tables.insert(name.to_owned(), Value::Table(group));
    tables.try_into().map_err(|e: toml::de::Error| SettingError::Unwritable { reason: e.message().to_owned() })
}

/// Whether an export carries a setting of the data.
fn travels(field: &Field) -> bool {
    let is_place = field.value_name.is_some_and(|name| PLACES.contains(&name));
    !is_place && !OF_MACHINE.contains(&field.key)
}

/// The settings of the table `name`.
fn fields<'s>(sections: &'s [Section], name: &str) -> &'s [Field] {
    let section = sections.iter().find(|section| section.table == name);
    section.map(|section| &section.settings[..]).unwrap_or_default()
}

/// The present key of a setting, and its older ones.
fn keys(field: &Field) -> impl Iterator<Item = &'static str> {
    [field.key].into_iter().chain(field.former.clone())
}

fn to_table(settings: &impl Sections) -> Result<Table, SettingError> {
    Table::try_from(settings).map_err(|e| SettingError::Unwritable { reason: e.to_string() })
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::registry;
    use crate::tasks::ALL;
    use crate::tasks::caption::CaptionSettings;
    use crate::tasks::draw::DrawSettings;

    /// Settings that name files, or are the machine's. A new one belongs in this table.
    #[rstest]
    #[case::adding("adding", &[])]
    #[case::caption("caption", &["data", "images", "workers", "cache"])]
    #[case::chars("chars", &["data", "pattern"])]
    #[case::draw("draw", &["data"])]
    #[case::frames("frames", &["data", "dev", "labels", "workers"])]
    #[case::sentiment("sentiment", &["data", "dev", "embeddings"])]
    #[case::translate("translate", &["data"])]
    fn paths_and_settings_of_the_machine_stay(#[case] task: &str, #[case] wanted: &[&str]) {
        let sections = registry::find(ALL, task).unwrap().sections();
        // A value for each setting, which nobody reads.
        let all = fields(&sections, DATA).iter().map(|field| (field.key.to_owned(), Value::Boolean(true)));
        let data: Table = all.collect();
        let config = [(DATA.to_owned(), Value::Table(data.clone()))].into_iter().collect();
        let carried = carried(&sections, &config);
        let stay = |field: &&Field| !carried.contains_key(field.key);
        let stay: Vec<_> = fields(&sections, DATA).iter().filter(stay).map(|field| field.key).collect();
        assert_eq!(stay, wanted);
        assert_eq!(carried.len() + stay.len(), data.len());
        // And nothing else may be read from an export.
        assert_eq!(foreign(&sections, &carried), None);
        assert_eq!(foreign(&sections, &data).as_deref(), stay.first().copied());
    }

    #[test]
    fn settings_are_carried_under_their_present_names() {
        let sections = CaptionSettings::sections();
        let config = "[data]\ncache = 'x'\nmax_words = 9\nmax_length = 5\n[model]\nhidden = 3".parse().unwrap();
        let wanted: Table = "max_vocabulary = 9\nmax_length = 5".parse().unwrap();
        assert_eq!(carried(&sections, &config), wanted);
        assert_eq!(carried(&sections, &Table::new()), Table::new());
    }

    #[rstest]
    #[case::unknown("max_lenth = 5", "there is no setting `max_lenth`")]
    #[case::range("max_length = 0", "--max-length 0: must be at least 1")]
    #[case::kind("max_length = 'long'", "--max-length long: must be a whole number")]
    #[case::twice("max_vocabulary = 9\nmax_words = 9", "`max_vocabulary` and `max_words` are the same setting")]
    fn settings_that_no_run_has_are_refused(#[case] data: &str, #[case] wanted: &str) {
        let error = replaced(&CaptionSettings::default(), DATA, data.parse().unwrap()).unwrap_err().to_string();
        assert!(error.contains(wanted), "{error}");
    }

    #[test]
    fn a_table_is_replaced_as_a_whole_and_fits_another_one_later() {
        let mut old = DrawSettings::default();
        (old.data.batch_size, old.training.seed) = (7, 3);
        let wide = replaced(&old, "model", "gaussian = 0.5".parse().unwrap()).unwrap();
        assert_eq!((wide.model.gaussian, wide.data.batch_size, wide.training.seed), (Some(0.5), 7, 3));
        assert!(wide.validate().is_err());
        let fitting = replaced(&wide, DATA, "binarize = 'none'".parse().unwrap()).unwrap();
        fitting.validate().unwrap();
        assert_eq!((fitting.data.batch_size, fitting.training.seed), (DrawSettings::default().data.batch_size, 3));
    }

    #[test]
    fn data_that_is_not_known_is_read_as_before() {
        let mut settings = CaptionSettings::default();
        (settings.data.max_length, settings.data.workers) = (5, 9);
        settings.data.images = Some("elsewhere".into());
        let found = without_places(&settings).unwrap();
        let usual = CaptionSettings::default().data;
        assert_eq!((found.data.max_length, found.data.workers, &found.data.images), (5, usual.workers, &None));
        assert_eq!((found.model, found.training), (settings.model, settings.training));
    }
}
