//! Claims about texts as a whole.
