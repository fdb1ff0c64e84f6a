//! Settings that are one of several names.

/// Displays a fieldless enum by the names of its variants, and parses it. Parse errors list the names.
macro_rules! named {
    ($kind:ty { $($variant:ident => $name:literal),+ $(,)? }) => {
        impl std::fmt::Display for $kind {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(match self {
                    $(Self::$variant => $name),+
                })
            }
        }

        impl std::str::FromStr for $kind {
            type Err = String;

            fn from_str(name: &str) -> Result<Self, String> {
                match name {
                    $($name => Ok(Self::$variant),)+
                    _ => Err(format!("possible values: {}", [$($name),+].join(", "))),
                }
            }
        }
    };
}

pub(crate) use named;
