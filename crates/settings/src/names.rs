//! Enums with named values.

/// Declares an enum with named values, for files, command lines and messages.
///
/// It has `ALL`, `NAMES`, `name`, `Display`, `FromStr` and serde's traits.
#[macro_export]
macro_rules! names {
    (
        $(#[$attribute:meta])*
        $visibility:vis enum $kind:ident { $($(#[$about:meta])* $variant:ident = $name:literal),+ $(,)? }
    ) => {
        $(#[$attribute])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, $crate::serde::Serialize, $crate::serde::Deserialize)]
        #[serde(crate = "rekindle_settings::serde")]
        $visibility enum $kind {
            $($(#[$about])* #[serde(rename = $name)] $variant),+
        }

        impl $kind {
            /// All values.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The names of all values.
            pub const NAMES: &'static [&'static str] = &[$($name),+];

            /// The name of the value.
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),+ }
            }
        }

        impl ::std::fmt::Display for $kind {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.pad(self.name())
            }
        }

        impl ::std::str::FromStr for $kind {
            type Err = String;

            fn from_str(name: &str) -> Result<Self, String> {
                let found = Self::ALL.iter().find(|value| value.name() == name).copied();
                found.ok_or_else(|| format!("possible values: {}", Self::NAMES.join(", ")))
            }
        }
    };
}
