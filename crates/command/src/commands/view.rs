//! `rekindle view`.

use std::process::{Command, Stdio};

use anyhow::{Context, Result};
use rekindle_data::counted;
use rekindle_train::tasks;
use rekindle_view::server::{Server, ViewOptions};

use crate::backend;
use crate::console::{alert, answer, note};
use crate::options::View;
use crate::runs;

pub fn run(options: &View) -> Result<()> {
    let folders = runs::folders(&options.folders)?;
    let device = backend::choose_for_others(&options.device)?.device;
    let (host, port) = (options.host.clone(), options.port);
    let server = Server::bind(ViewOptions { folders, host, port, tasks: tasks::ALL, device })?;
    let address = server.address();
    note!("{}; stop with Ctrl-C", counted(server.runs(), "runs"));
    if server.is_open() {
        note!("other machines can open the page with its token: whoever has this address can use the models");
    }
    answer!("{address}")?;
    if options.open {
        // The page is served even where no browser can be started.
        if let Err(error) = open(&address) {
            alert!("warning: {error:#}");
        }
    }
    Ok(server.run()?)
}

/// Opens an address in the browser.
fn open(address: &str) -> Result<()> {
    let mut command = if cfg!(target_os = "macos") {
        Command::new("open")
    } else if cfg!(windows) {
        let mut command = Command::new("rundll32");
        command.arg("url.dll,FileProtocolHandler");
        command
    } else {
        Command::new("xdg-open")
    };
    let quiet = command.arg(address).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    quiet.spawn().map(drop).with_context(|| format!("--open: no browser can be started; open {address} yourself"))
}
