//! The processor of this machine.

use std::fs;

/// Its name, on Linux.
pub(crate) fn name() -> Option<String> {
    model_name(&fs::read_to_string("/proc/cpuinfo").ok()?)
}

/// The name in Linux's format, `model name : AMD EPYC 9B14`.
fn model_name(cpuinfo: &str) -> Option<String> {
    fn value(line: &str) -> Option<&str> {
        line.strip_prefix("model name")?.trim_start().strip_prefix(':').map(str::trim)
    }
    cpuinfo.lines().find_map(|line| Some(value(line)?.to_owned())).filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests;
