//! The processes that `mpirun` started together with this one.

use std::io::{Write, stderr};
use std::process::ExitCode;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use anyhow::{Result, bail};
use rekindle_mpi::Launched;

use crate::console::alert;
use crate::options::Command;

/// This process among all.
struct Place {
    rank: usize,
    size: usize,
    host: String,
}

static PLACE: OnceLock<Place> = OnceLock::new();

/// The exit status of this process if it is not that of a success or a failure; 0 for none.
static STATUS: AtomicU8 = AtomicU8::new(0);

/// Ends the program with this exit status; of several processes, once all have come to their end.
pub fn end(status: u8) {
    if PLACE.get().is_none() {
        std::process::exit(status.into());
    }
    STATUS.store(status, Ordering::Relaxed);
}

/// Whether this process prints and writes: the first one does, or the only one.
pub fn is_first() -> bool {
    PLACE.get().is_none_or(|place| place.rank == 0)
}

/// Writes an error, with the name of the process if there are several.
pub fn report(error: &anyhow::Error) {
    write(&format!("{error:#}"));
}

fn write(error: &str) {
    match PLACE.get() {
        Some(Place { rank, size, host }) => {
            if *rank > 0 {
                // What has gone wrong on all, the first one says for all, and ends them.
                std::thread::sleep(Duration::from_millis(1500));
            }
            let line = format!("error: rank {rank} of {size} ({host}): {error}\n");
            let _ = stderr().lock().write_all(line.as_bytes());
        }
        None => alert!("error: {error}"),
    }
}

/// The number of this process among those of its machine, for its choice of a GPU.
pub fn on_this_machine() -> usize {
    if PLACE.get().is_some() { Launched::present().map_or(0, |launched| launched.local) } else { 0 }
}

/// Refuses commands that one process runs.
pub fn check(command: &Command, name: &str) -> Result<()> {
    match (PLACE.get(), command) {
        (None, _) | (_, Command::Train(_) | Command::Eval(_)) => Ok(()),
        _ => bail!("`{name}` runs in one process: start it without `mpirun`; `train` and `eval` run in several"),
    }
}

/// Runs `action` as one of the processes that were launched together, if there are several. If it fails on one, all
/// end.
#[cfg(feature = "mpi")]
pub fn run(action: impl FnOnce() -> ExitCode) -> ExitCode {
    use std::rc::Rc;

    use rekindle_mpi::Processes;
    use rekindle_train::group::{self, Group};

    if Launched::present().is_none() {
        return action();
    }
    let Some(processes) = Processes::start().filter(|processes| processes.size() > 1) else { return action() };
    let processes = Rc::new(processes);
    let place = Place { rank: processes.rank(), size: processes.size(), host: processes.host() };
    let _ = PLACE.set(place);
    // Unwinding would wait for the other processes, which wait for this one.
    std::panic::set_hook(Box::new(|panic| {
        write(&panic.to_string());
        std::process::exit(101);
    }));
    let code = group::within(processes.clone(), action);
    if code != ExitCode::SUCCESS {
        processes.abort(1);
    }
    // MPI waits for all.
    drop(processes);
    ExitCode::from(STATUS.load(Ordering::Relaxed))
}

/// Runs `action`, if there is one process: this program was built without MPI.
#[cfg(not(feature = "mpi"))]
pub fn run(action: impl FnOnce() -> ExitCode) -> ExitCode {
    match Launched::present() {
        Some(Launched { size, local }) if size > 1 => {
            if local == 0 {
                alert!(
                    "error: {size} processes were launched, and this program was built without MPI: each would train by \
                     itself. Build it with `--features mpi`"
                );
            }
            ExitCode::FAILURE
        }
        _ => action(),
    }
}
