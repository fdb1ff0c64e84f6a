//! Signals that end a training run.
//!
//! Ctrl-C (INT), `kill` (TERM) and a closed terminal (HUP, sent by both the shell and the kernel) ask the run to save
//! and end, however often they arrive. Only a second Ctrl-C at a terminal ends the program at once. A HUP that was
//! ignored at the start of the program, with `nohup`, stays ignored. USR1 asks for the same: launchers of several
//! processes pass it on, and Slurm sends it before the time of a job ends.

use std::io::{IsTerminal, stderr, stdin};
use std::process::exit;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, Result};
use rekindle_train::trainer::StopSignal;

use crate::console::note;

/// The exit status of a run that was stopped and has saved a checkpoint.
pub const STOPPED: u8 = 130;

/// Handles the signals until the program ends. Later calls do nothing: all runs of a sweep have one signal.
///
/// # Errors
///
/// When the system refuses.
pub fn listen(stop: &StopSignal) -> Result<()> {
    static LISTENS: AtomicBool = AtomicBool::new(false);
    if LISTENS.swap(true, Ordering::Relaxed) {
        return Ok(());
    }
    let stop = stop.clone();
    let heard = move |interrupted: bool| {
        let again = stop.stopped();
        stop.stop();
        let at_terminal = stdin().is_terminal() || stderr().is_terminal();
        match (interrupted && at_terminal, again) {
            (true, true) => exit(STOPPED.into()),
            (true, false) => note!("\nstopping after this step; press Ctrl-C again to quit now without saving"),
            _ => {}
        }
    };
    start(heard).context("cannot listen for signals")
}

#[cfg(unix)]
fn start(heard: impl Fn(bool) + Send + 'static) -> std::io::Result<()> {
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGUSR1};
    let mut signals = vec![SIGINT, SIGTERM, SIGUSR1];
    if !ignored(SIGHUP) {
        signals.push(SIGHUP);
    }
    let mut signals = signal_hook::iterator::Signals::new(signals)?;
    std::thread::spawn(move || signals.forever().for_each(|signal| heard(signal == SIGINT)));
    Ok(())
}

/// Whether this signal was ignored at the start of the program.
#[cfg(unix)]
fn ignored(signal: i32) -> bool {
    let mut action = std::mem::MaybeUninit::<libc::sigaction>::zeroed();
    // SAFETY: without a new action the call only writes the present one, into memory of its type.
    #[allow(unsafe_code, reason = "the standard library does not tell how a signal is handled")]
    unsafe {
        libc::sigaction(signal, std::ptr::null(), action.as_mut_ptr()) == 0
            && action.assume_init().sa_sigaction == libc::SIG_IGN
    }
}

#[cfg(not(unix))]
fn start(heard: impl Fn(bool) + Send + 'static) -> std::io::Result<()> {
    ctrlc::set_handler(move || heard(true)).map_err(std::io::Error::other)
}
