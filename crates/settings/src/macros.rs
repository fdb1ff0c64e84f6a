//! Macros that declare settings.

/// Declares a group of settings: a struct with public fields, its default, and [`Settings`](crate::Settings).
///
/// A line is `key: Type = default => facts;`. Without `= default` the type's own default is used; the facts are
/// methods of [`Field`](crate::Field), separated by dots. The doc comment of a field is the help text of its option.
/// `@flatten` before a key includes all settings of another group, and its check; its facts are methods of
/// [`Fields`](crate::Fields). `#[check(function)]` before the struct names a function
/// `&self -> Result<(), SettingError>` that checks settings against each other.
#[macro_export]
macro_rules! settings {
    (
        $(#[doc = $doc:literal])*
        $(#[check($check:expr)])?
        $visibility:vis struct $name:ident {
            $(
                $(#[doc = $help:literal])*
                $(@$flatten:ident)? $field:ident : $type:ty $(= $default:expr)? $(=> $($fact:ident($($argument:tt)*)).+)? ;
            )*
        }
    ) => {
        $(#[doc = $doc])*
        #[derive(Clone, Debug, PartialEq, $crate::serde::Serialize, $crate::serde::Deserialize)]
        #[serde(default, crate = "rekindle_settings::serde")]
        $visibility struct $name {
            $(
                $(#[doc = $help])*
                $(#[serde($flatten)])?
                pub $field: $type,
            )*
        }

        impl Default for $name {
            fn default() -> Self {
                Self { $($field: $crate::settings!(@default $($default)?),)* }
            }
        }

        impl $crate::Settings for $name {
            fn fields() -> Vec<$crate::Field> {
                let mut fields = Vec::new();
                $($crate::settings!(
                    @add $($flatten)?, fields, $field, $type, concat!($($help),*) $(, $($fact($($argument)*)).+)?
                );)*
                fields
            }

            fn check(&self) -> Result<(), $crate::SettingError> {
                $($crate::settings!(@check $($flatten)?, self, $field);)*
                $($check(self)?;)?
                Ok(())
            }
        }
    };
    (@default) => { Default::default() };
    (@default $default:expr) => { $default };
    (@check, $settings:ident, $field:ident) => {};
    (@check flatten, $settings:ident, $field:ident) => {
        $crate::Settings::check(&$settings.$field)?
    };
    (@add, $fields:ident, $field:ident, $type:ty, $help:expr $(, $($fact:ident($($argument:tt)*)).+)?) => {
        $fields.push($crate::Field::of::<$type>(stringify!($field), $help)$($(.$fact($($argument)*))+)?)
    };
    (@add flatten, $fields:ident, $field:ident, $type:ty, $help:expr $(, $($fact:ident($($argument:tt)*)).+)?) => {
        $fields.extend($crate::Fields(<$type as $crate::Settings>::fields())$($(.$fact($($argument)*))+)?.0)
    };
}

/// Declares all settings of a run: a struct of groups, each a table of a file, and [`Sections`](crate::Sections).
///
/// A line is `table: Group => "Heading";`, with `= default` before the arrow to replace the group's own default.
/// `#[check(function)]` before the struct names a function that checks groups against each other.
#[macro_export]
macro_rules! sections {
    (
        $(#[doc = $doc:literal])*
        $(#[check($check:expr)])?
        $visibility:vis struct $name:ident {
            $($(#[doc = $help:literal])* $table:ident : $group:ty $(= $default:expr)? => $heading:literal;)*
        }
    ) => {
        $(#[doc = $doc])*
        #[derive(Clone, Debug, PartialEq, $crate::serde::Serialize, $crate::serde::Deserialize)]
        #[serde(default, crate = "rekindle_settings::serde")]
        $visibility struct $name {
            $($(#[doc = $help])* pub $table: $group,)*
        }

        impl Default for $name {
            fn default() -> Self {
                Self { $($table: $crate::settings!(@default $($default)?),)* }
            }
        }

        impl $crate::Sections for $name {
            fn sections() -> Vec<$crate::Section> {
                let defaults = Self::default();
                vec![$($crate::Section::of(stringify!($table), $heading, &defaults.$table)),*]
            }

            fn from_tables(mut tables: $crate::Tables) -> Result<Self, $crate::SettingError> {
                let settings = Self { $($table: tables.read(stringify!($table), Self::default().$table)?,)* };
                tables.finish(&[$(stringify!($table)),*])?;
                $crate::Sections::check(&settings)?;
                Ok(settings)
            }

            fn validate(&self) -> Result<(), $crate::SettingError> {
                $($crate::Settings::validate(&self.$table)?;)*
                $crate::Sections::check(self)
            }

            $(
                fn check(&self) -> Result<(), $crate::SettingError> {
                    $check(self)
                }
            )?
        }
    };
}
