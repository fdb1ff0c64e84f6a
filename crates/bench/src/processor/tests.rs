use super::*;

#[test]
fn linux_names_each_core() {
    let cpuinfo = "processor\t: 0\nmodel\t\t: 17\nmodel name\t: AMD EPYC 9B14\n\nprocessor\t: 1\nmodel name\t: other\n";
    assert_eq!(model_name(cpuinfo).as_deref(), Some("AMD EPYC 9B14"));
    assert_eq!(model_name("processor\t: 0\nBogoMIPS\t: 50.00\n"), None);
}
