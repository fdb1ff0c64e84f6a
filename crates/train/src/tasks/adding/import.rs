//! Finding a model of the adding problem in a file of weights, for `rekindle import`.

use rekindle_models::settings::RecurrentSettings;
use rekindle_weights::{Parts, Wanted};

use super::settings::AddingSettings;
use super::task::AddingTask;
use crate::import::{CellOptions, Fact, Found, ImportError, Importable, Opened, WeightOptions, stack};
use crate::prelude::*;

settings! {
    /// Options of `import`.
    pub struct ImportOptions {
        /// Which tensors, and their names.
        @flatten weights: WeightOptions;
        /// The cell.
        @flatten network: CellOptions;
    }
}

impl Importable for AddingTask {
    type ImportOptions = ImportOptions;

    fn weight_options(options: &ImportOptions) -> &WeightOptions {
        &options.weights
    }

    fn find(file: Opened, options: &ImportOptions, _: &Device) -> Result<Found<Self>, TaskError> {
        let mut parts = Parts::of(&file.tensors).map_err(ImportError::from)?;
        let fits = |network: &rekindle_weights::Network| network.input == 2 && !network.bidirectional;
        let network = parts.network("rnn", &[], options.network.cell, fits).map_err(ImportError::from)?;
        let wanted = format!("[1, {}]", network.hidden);
        let fits = |matrix: &rekindle_weights::Matrix<'_>| [matrix.rows, matrix.columns] == [1, network.hidden];
        parts.linear(Wanted::new("output", &wanted, &[]), fits).map_err(ImportError::from)?;
        let mut settings = AddingSettings::default();
        let (cell, layers, hidden) = (network.cell, network.layers, network.hidden);
        settings.model = RecurrentSettings { cell, layers, hidden, ..settings.model };
        Ok(Found { settings, assets: (), parts: parts.finish(), notes: Vec::new() })
    }

    fn set_data(_: &mut AddingSettings, (): &(), _: &ImportOptions) -> Result<(), TaskError> {
        Ok(())
    }

    fn facts(settings: &AddingSettings, (): &()) -> Vec<Fact> {
        let model = &settings.model;
        vec![Fact::new("model", stack(model.cell, model.layers, model.hidden), Value::Null)]
    }
}
