//! The processes that `mpirun` starts, as a [group](rekindle_train::group) that trains one model.
//!
//! ```no_run
//! # #[cfg(feature = "mpi")] {
//! use std::rc::Rc;
//!
//! if let Some(processes) = rekindle_mpi::Processes::start() {
//!     rekindle_train::group::within(Rc::new(processes), || {
//!         // Train as ever: each process has its share of every batch.
//!     });
//! }
//! # }
//! ```
//!
//! # Feature flags
//!
//! * `mpi`: links the MPI of the machine, Open MPI or MPICH. Building it takes their development files (`mpicc`) and
//!   libclang. Without it, only [`Launched`] is there.
#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]

#[cfg(feature = "mpi")]
mod processes;

#[cfg(feature = "mpi")]
pub use processes::Processes;

/// What a launcher (`mpirun`, `srun`) says of this process in its environment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Launched {
    /// Number of processes.
    pub size: usize,
    /// The number of the process among those of its machine; 0 if the launcher does not say.
    pub local: usize,
}

/// The variables of Open MPI, of MPICH and Intel MPI, and of Slurm.
const SIZES: [&str; 3] = ["OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "SLURM_STEP_NUM_TASKS"];
const LOCAL: [&str; 3] = ["OMPI_COMM_WORLD_LOCAL_RANK", "MPI_LOCALRANKID", "SLURM_LOCALID"];

impl Launched {
    /// None if the process was started alone.
    pub fn present() -> Option<Self> {
        Self::of(|name| std::env::var(name).ok())
    }

    fn of(variable: impl Fn(&str) -> Option<String>) -> Option<Self> {
        let number = |names: [&str; 3]| names.into_iter().find_map(|name| variable(name)?.parse().ok());
        Some(Self { size: number(SIZES)?, local: number(LOCAL).unwrap_or(0) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn launchers_are_known_by_their_variables() {
        let of = |variables: &'static [(&str, &str)]| {
            let value =
                |name: &str| variables.iter().find(|variable| variable.0 == name).map(|found| found.1.to_owned());
            Launched::of(value)
        };
        assert_eq!(of(&[]), None);
        assert_eq!(of(&[("OMPI_COMM_WORLD_LOCAL_RANK", "3")]), None);
        let open_mpi = of(&[("OMPI_COMM_WORLD_SIZE", "8"), ("OMPI_COMM_WORLD_LOCAL_RANK", "3")]);
        assert_eq!(open_mpi, Some(Launched { size: 8, local: 3 }));
        assert_eq!(of(&[("PMI_SIZE", "2")]), Some(Launched { size: 2, local: 0 }));
        let slurm = of(&[("SLURM_STEP_NUM_TASKS", "4"), ("SLURM_LOCALID", "1")]);
        assert_eq!(slurm, Some(Launched { size: 4, local: 1 }));
    }
}
