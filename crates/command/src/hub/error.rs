//! Errors of the hub.

use std::error::Error;
use std::io;
use std::path::PathBuf;

/// Why a file of the hub is not there, with the remedy.
#[derive(Debug, thiserror::Error)]
pub enum HubError {
    /// The name is not that of a file of the hub.
    #[error("{text}: want hf:OWNER/NAME/FILE or hf:OWNER/NAME/FILE@REVISION, such as hf:owner/model/model.safetensors")]
    Name {
        /// The name.
        text: String,
    },
    /// There is no folder for the cache.
    #[error("there is no home folder for the cache of the hub: set HF_HOME")]
    NoHome,
    /// The file, the repository or the revision does not exist.
    #[error("{address}: HTTP status 404: no such repository, revision or file")]
    NotFound {
        /// The address.
        address: String,
    },
    /// The server wants another token.
    #[error("{address}: HTTP status {status}: no such repository, or one that needs a token: set HF_TOKEN")]
    Denied {
        /// The address.
        address: String,
        /// The status.
        status: u16,
    },
    /// The server returns another error.
    #[error("{address}: HTTP status {status}: the server cannot answer; try again later")]
    Status {
        /// The address.
        address: String,
        /// The status.
        status: u16,
    },
    /// The server cannot be reached, or is none of the hub.
    #[error("{address}: cannot fetch it; HF_ENDPOINT sets the address of a mirror")]
    Fetch {
        /// The address.
        address: String,
        /// The cause.
        source: Box<dyn Error + Send + Sync>,
    },
    /// The server names a file by what cannot be the name of one.
    #[error("{address}: the server names the file {value:?}, which is not the name of one in the cache")]
    Header {
        /// The address.
        address: String,
        /// The name.
        value: String,
    },
    /// The download broke off.
    #[error("{address}: the download broke off; run it again to resume")]
    Interrupted {
        /// The address.
        address: String,
        /// The cause.
        source: io::Error,
    },
    /// The file is of another size.
    #[error(
        "{address}: the file has {found} bytes, and the hub says {wanted}; it is deleted: run it again to fetch it anew"
    )]
    Size {
        /// The address.
        address: String,
        /// Its size.
        found: u64,
        /// The size that the hub says.
        wanted: u64,
    },
    /// The file has other content.
    #[error(
        "{address}: the SHA-256 of the file is {found}, and the hub says {wanted}; it is damaged, and is deleted: run \
         it again to fetch it anew"
    )]
    Hash {
        /// The address.
        address: String,
        /// Its SHA-256.
        found: String,
        /// The SHA-256 that the hub says.
        wanted: String,
    },
    /// A file of the cache cannot be read or deleted.
    #[error("cannot use {} of the cache", path.display())]
    Cache {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
}
