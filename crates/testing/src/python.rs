//! Python with onnxruntime, for tests of what leaves for other programs.

use std::path::PathBuf;
use std::process::Command;

/// A Python that can import `numpy`, `onnx` and `onnxruntime`: `python3`, or what `REKINDLE_PYTHON` names. Without one,
/// this prints that the test is skipped.
///
/// # Panics
///
/// When there is none and `REKINDLE_ONNXRUNTIME` is `required`.
pub fn onnxruntime() -> Option<PathBuf> {
    let python = PathBuf::from(std::env::var_os("REKINDLE_PYTHON").unwrap_or_else(|| "python3".into()));
    let imports = Command::new(&python).args(["-c", "import numpy, onnx, onnxruntime"]).output();
    let found = imports.is_ok_and(|output| output.status.success());
    let missing = format!("{} has no onnxruntime (pip install onnx onnxruntime)", python.display());
    crate::there("REKINDLE_ONNXRUNTIME", found, &missing).then_some(python)
}
