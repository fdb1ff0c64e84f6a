use super::*;

#[test]
fn a_lack_of_memory_is_told_from_other_failures_of_a_device() {
    let is_lack = |error: ExecutionError| matches!(DeviceError::from(error), DeviceError::OutOfMemory(_));
    let error = |reason: &str| ExecutionError::with_context(reason);
    assert!(is_lack(error("An IO error happened\nCaused by:\n  can't allocate buffer of size: 16384000000")));
    assert!(is_lack(error("Out of memory launching kernel 7")));
    assert!(!is_lack(error("skipped `SliceAssignKernel`: it needed memory 4128, which carried the failure")));
    assert!(!is_lack(ExecutionError::device_poisoned("an illegal memory access")));
}
