//! The declaration of a group.

/// Declares a group of settings: a struct with public fields, its default, and [`Settings`](crate::Settings).
///
/// A line is `key: Type = default => facts;`. Without `= default` the type's own default holds; the facts are methods of
/// [`Field`](crate::Field) with dots between. The doc comment of a field is the help text of its option. `@flatten` before a key takes in all
/// settings of another group; its facts are methods of [`Fields`](crate::Fields). `#[check(function)]` before the struct names
/// a function `&self -> Result<(), SettingError>` that checks settings against each other.
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

            $(
                fn check(&self) -> Result<(), $crate::SettingError> {
                    $check(self)
                }
            )?
        }
    };
    (@default) => { Default::default() };
    (@default $default:expr) => { $default };
    (@add, $fields:ident, $field:ident, $type:ty, $help:expr $(, $($fact:ident($($argument:tt)*)).+)?) => {
        $fields.push($crate::Field::of::<$type>(stringify!($field), $help)$($(.$fact($($argument)*))+)?)
    };
    (@add flatten, $fields:ident, $field:ident, $type:ty, $help:expr $(, $($fact:ident($($argument:tt)*)).+)?) => {
        $fields.extend($crate::Fields(<$type as $crate::Settings>::fields())$($(.$fact($($argument)*))+)?.0)
    };
}
