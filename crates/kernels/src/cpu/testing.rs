//! What the unit tests of the slice code share.

use pulp::Arch;

/// The instructions of this machine, and those that every machine has.
pub(crate) fn architectures() -> [Arch; 2] {
    [Arch::new(), Arch::Scalar]
}
