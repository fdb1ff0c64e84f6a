//! The tasks, one module each.

use crate::registry::{Entry, Registered};

/// Declares the modules of the tasks, and the registry.
macro_rules! tasks {
    ($($module:ident: $task:ident),+ $(,)?) => {
        $(pub mod $module;)+

        /// The registry: all tasks of this crate, by name.
        pub const ALL: &[&dyn Registered] = &[$(&Entry::<$module::$task>::NEW),+];
    };
}

tasks! {
    adding: AddingTask,
    caption: CaptionTask,
    chars: CharsTask,
    draw: DrawTask,
    frames: FramesTask,
    sentiment: SentimentTask,
    translate: TranslateTask,
}
