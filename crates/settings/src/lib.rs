//! Declarative settings: name, type, default, range and help text are declared with the field.
//!
//! [`settings!`] turns such a declaration into a plain struct with [`Settings`]. From it follow the options of a
//! command line, the keys of a TOML file, the checks, the errors and the schema.
//!
//! * [`Settings`]: a group of settings: its [`Field`]s, and reading it from a table with checks.
//! * [`Field`]: one setting, and the others beside which it is used ([`UsedWith`]). Command lines are built from it,
//!   outside of this crate.
//! * [`sections!`], [`Sections`]: all settings of a run: groups, each a [`Section`] of a file and of a help text.
//! * [`names!`]: an enum whose values have names.
//! * [`SettingError`]: an error of a setting, quoted as typed; [`line_of`]: the line of a file that it is about.
//!
//! ```
//! use rekindle_settings::{Settings, settings};
//!
//! settings! {
//!     /// The shape of a network.
//!     pub struct Shape {
//!         /// Width of the hidden state
//!         width: usize = 128 => value("WIDTH").at_least(1);
//!         /// Dropout probability
//!         dropout: f64 => at_least(0).below(1);
//!         /// Largest vocabulary
//!         limit: Option<u64> => value("COUNT").unset("no limit").formerly("max_words");
//!     }
//! }
//!
//! assert_eq!(Shape::default().width, 128);
//! let shape = Shape::from_table("max_words = 9".parse().unwrap()).unwrap();
//! assert_eq!(shape.limit, Some(9));
//! let error = Shape::from_table("width = 0".parse().unwrap()).unwrap_err();
//! assert_eq!(error.to_string(), "--width 0: must be at least 1");
//! ```
//!
//! The crate has no feature flags.
#![forbid(unsafe_code)]

mod error;
mod field;
mod group;
mod lines;
mod macros;
mod names;
mod sections;

pub use error::SettingError;
pub use field::{Bound, Field, Kind, Range, UsedWith, typed};
pub use group::{Fields, Settings};
pub use lines::line_of;
pub use sections::{Section, Sections, Tables};
#[doc(hidden)]
pub use serde;
pub use toml::{Table, Value};
