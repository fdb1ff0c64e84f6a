//! The page of `rekindle view`: a server on this machine that shows the runs in some folders.
//!
//! It answers only to this machine, unless another address is asked for; then the address of the page has a token.
//! Files outside of the folders are never read. See `docs/view.md`.

mod api;
mod error;
mod events;
mod files;
mod folders;
mod guard;
mod index;
mod inside;
mod page;
mod play;
mod run;
#[cfg(test)]
mod tests;

use std::net::{SocketAddr, TcpListener, ToSocketAddrs};
use std::path::PathBuf;
use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post};
use rekindle_train::burn::tensor::Device;
use rekindle_train::registry::Registered;

pub use error::ViewError;

use error::Failure;
use folders::Folders;
use guard::Guard;
use index::Index;
use inside::Analyses;
use play::Players;

/// The port of the page, if it is free.
pub const PORT: u16 = 7007;
/// Ports that are tried after [`PORT`].
const PORTS: u16 = 50;
/// The largest body of a request, in bytes.
const LARGEST_BODY: usize = 16 << 20;

/// What is served, and where.
#[derive(Clone)]
pub struct ViewOptions {
    /// Runs, and folders with runs in them.
    pub folders: Vec<PathBuf>,
    /// The address to listen on, or the name of this machine; loopback if none.
    pub host: Option<String>,
    /// The port; the first free one from [`PORT`] on if none.
    pub port: Option<u16>,
    /// The tasks whose models can be tried.
    pub tasks: &'static [&'static dyn Registered],
    /// The device of the models.
    pub device: Device,
}

/// A server that listens.
pub struct Server {
    listener: TcpListener,
    guard: Arc<Guard>,
    shared: Arc<Shared>,
}

/// What all requests share.
struct Shared {
    tasks: &'static [&'static dyn Registered],
    device: Device,
    index: Arc<Index>,
    players: Players,
    analyses: Analyses,
}

impl Server {
    /// Finds the runs and listens. Their figures are read once the server [`run`](Self::run)s.
    ///
    /// # Errors
    ///
    /// When a folder cannot be read, or the address cannot be listened on.
    pub fn bind(options: ViewOptions) -> Result<Self, ViewError> {
        let ViewOptions { folders, host, port, tasks, device } = options;
        let index = Arc::new(Index::new(Folders::open(&folders)?, tasks));
        index.find();
        let name = host.as_deref().unwrap_or("127.0.0.1");
        let listener = listen(name, port)?;
        let address = listener.local_addr().map_err(|source| ViewError::Listen { address: name.to_owned(), source })?;
        let guard = Arc::new(Guard::new(host, address));
        let shared = Shared { tasks, device, index, players: Players::default(), analyses: Analyses::default() };
        Ok(Self { listener, guard, shared: Arc::new(shared) })
    }

    /// The address of the page, with its token if it has one.
    pub fn address(&self) -> String {
        self.guard.address()
    }

    /// Whether other machines can reach the page.
    pub fn is_open(&self) -> bool {
        self.guard.has_token()
    }

    /// The number of runs found.
    pub fn runs(&self) -> usize {
        self.shared.index.len()
    }

    /// Serves until the process ends.
    ///
    /// # Errors
    ///
    /// When the system refuses threads or connections.
    pub fn run(self) -> Result<(), ViewError> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .map_err(ViewError::Start)?;
        self.shared.index.clone().watch();
        runtime.block_on(async {
            self.listener.set_nonblocking(true).map_err(ViewError::Start)?;
            let listener = tokio::net::TcpListener::from_std(self.listener).map_err(ViewError::Start)?;
            axum::serve(listener, router(self.shared, self.guard)).await.map_err(ViewError::Start)
        })
    }
}

/// All addresses of the page.
fn router(shared: Arc<Shared>, guard: Arc<Guard>) -> Router {
    Router::new()
        .route("/", get(files::index))
        .route("/{file}", get(files::file))
        .route("/api/runs", get(api::runs))
        .route("/api/settings", get(api::settings))
        .route("/api/events", get(events::events))
        .route("/api/runs/{id}/curves", get(api::curves))
        .route("/api/runs/{id}/files", get(api::files))
        .route("/api/runs/{id}/pictures/{name}", get(api::picture))
        .route("/api/runs/{id}/playground", get(play::playground))
        .route("/api/runs/{id}/play", post(play::play))
        .route("/api/runs/{id}/neurons", get(inside::neurons).post(inside::neurons_of_text))
        .route("/api/runs/{id}/neurons/{series}/{unit}", get(inside::unit))
        .route("/api/runs/{id}/gradients", get(inside::gradients))
        .fallback(async || Failure::not_found("there is no such address"))
        .layer(DefaultBodyLimit::max(LARGEST_BODY))
        .layer(from_fn_with_state(guard, guard::check))
        .with_state(shared)
}

/// Listens on the address `name`: on `port`, or on the first free port.
fn listen(name: &str, port: Option<u16>) -> Result<TcpListener, ViewError> {
    let failed = |port: u16| move |source| ViewError::Listen { address: format!("{name}:{port}"), source };
    let at = |port: u16| -> Result<TcpListener, ViewError> {
        let bare = name.trim_start_matches('[').trim_end_matches(']');
        let found: Vec<SocketAddr> = (bare, port).to_socket_addrs().map_err(failed(port))?.collect();
        TcpListener::bind(&found[..]).map_err(failed(port))
    };
    if let Some(port) = port {
        return at(port);
    }
    let mut last = None;
    for port in PORT..PORT + PORTS {
        match at(port) {
            Ok(listener) => return Ok(listener),
            Err(ViewError::Listen { address, source }) if source.kind() == std::io::ErrorKind::AddrInUse => {
                last = Some(ViewError::Listen { address, source });
            }
            Err(other) => return Err(other),
        }
    }
    Err(last.expect("several ports were tried"))
}
