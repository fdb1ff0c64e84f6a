use super::*;

#[test]
fn linux_counts_in_kibibytes() {
    assert_eq!(high_water_mark("VmPeak:\t   9 kB\nVmHWM:\t    5124 kB\n"), Some(5124 * 1024));
    assert_eq!(high_water_mark("VmPeak:\t   9 kB\n"), None);
}
