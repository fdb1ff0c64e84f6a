//! Files of the Hugging Face Hub: `hf:OWNER/NAME/FILE`.
//!
//! They are kept in the hub's cache, where other programs find them too. `HF_ENDPOINT`, `HF_HOME` and `HF_TOKEN` have
//! their usual meaning. A file whose name in the cache is a SHA-256, as of all large files, is compared with it each
//! time that it is used; one that differs is deleted, so that the next try fetches it anew.

mod error;

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Component, Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

use hf_hub::api::sync::{Api, ApiBuilder, ApiError, ApiRepo};
use hf_hub::{Cache, Repo, RepoType};
use rekindle_train::TaskError;
use rekindle_train::import::{Beside, Source};
use sha2::{Digest, Sha256};

use crate::console::{self, alert, note};
pub use error::HubError;

/// What the name of a file of the hub begins with.
pub const PREFIX: &str = "hf:";
/// The branch that is read if no revision is given.
const MAIN: &str = "main";
/// Hexadecimal digits of a SHA-256.
const SHA256: usize = 64;
/// The ending of an incomplete file in the cache.
const PART: &str = "part";

/// A file of the hub.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HubFile {
    /// `OWNER/NAME`.
    repository: String,
    /// A branch, a tag or a commit.
    revision: String,
    /// Its path in the repository.
    path: String,
}

impl FromStr for HubFile {
    type Err = HubError;

    /// Reads `hf:OWNER/NAME/FILE` or `hf:OWNER/NAME/FILE@REVISION`.
    fn from_str(text: &str) -> Result<Self, HubError> {
        let malformed = || HubError::Name { text: text.to_owned() };
        let rest = text.strip_prefix(PREFIX).ok_or_else(malformed)?;
        let (rest, revision) = rest.rsplit_once('@').unwrap_or((rest, MAIN));
        let mut parts = rest.splitn(3, '/');
        let (Some(owner), Some(name), Some(path)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(malformed());
        };
        // They become a part of an address and of paths in the cache.
        let valid = |part: &str| !["", ".", ".."].contains(&part) && !part.contains([' ', '\\', '?', '#', '%', ':']);
        let valid = |part: &str| valid(part) && !part.contains(char::is_control) && part.is_ascii();
        if ![owner, name].into_iter().chain(path.split('/')).chain(revision.split('/')).all(valid) {
            return Err(malformed());
        }
        Ok(Self { repository: format!("{owner}/{name}"), revision: revision.to_owned(), path: path.to_owned() })
    }
}

impl HubFile {
    /// Fetches the file, unless it is in the cache.
    ///
    /// # Errors
    ///
    /// When it does not exist, cannot be fetched, or is damaged.
    pub fn fetch(&self) -> Result<Source, HubError> {
        let mut hub = Hub::new(self)?;
        let (file, is_cached) = hub.get(&self.path)?;
        if is_cached {
            note!("from the cache: {}", file.display());
        }
        hub.without_server = is_cached;
        Ok(Source::fetched(file, Arc::new(hub)))
    }
}

/// A repository of the hub, at one revision.
#[derive(Debug)]
struct Hub {
    api: Api,
    cache: Cache,
    repo: Repo,
    /// The folder of the files in it, with a slash at its end.
    folder: String,
    /// Whether files that are not in the cache may be left out if the server cannot be reached.
    without_server: bool,
}

impl Hub {
    fn new(file: &HubFile) -> Result<Self, HubError> {
        let set = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
        let home = set("HF_HOME").map(PathBuf::from);
        let home = home.or_else(|| Some(std::env::home_dir()?.join(".cache").join("huggingface")));
        let cache = Cache::new(home.ok_or(HubError::NoHome)?.join("hub"));
        let mut builder = ApiBuilder::from_cache(cache.clone()).with_progress(console::draws_progress());
        if let Some(endpoint) = set("HF_ENDPOINT") {
            builder = builder.with_endpoint(endpoint.trim_end_matches('/').to_owned());
        }
        if let Some(token) = set("HF_TOKEN") {
            builder = builder.with_token(Some(token));
        }
        let api = builder.build().map_err(|error| HubError::of(&file.repository, error))?;
        let repo = Repo::with_revision(file.repository.clone(), RepoType::Model, file.revision.clone());
        let folder = file.path.rsplit_once('/').map_or(String::new(), |(folder, _)| format!("{folder}/"));
        Ok(Self { api, cache, repo, folder, without_server: false })
    }

    /// The path of a file in the cache, after fetching it if need be, and whether it was there.
    fn get(&self, path: &str) -> Result<(PathBuf, bool), HubError> {
        let repo = self.api.repo(self.repo.clone());
        let address = repo.url(path);
        if let Some(cached) = self.cache.repo(self.repo.clone()).get(path) {
            check(&address, &cached, None)?;
            return Ok((cached, true));
        }
        let fetched = self.fetch(&repo, &address, path)?;
        Ok((fetched, false))
    }

    fn fetch(&self, repo: &ApiRepo, address: &str, path: &str) -> Result<PathBuf, HubError> {
        let failed = |error| HubError::of(address, error);
        let metadata = self.api.metadata(address).map_err(failed)?;
        let plain = |name: &str| {
            let mut components = Path::new(name).components();
            matches!(components.next(), Some(Component::Normal(_))) && components.next().is_none()
        };
        // The server's names become paths in the cache.
        if let Some(name) = [metadata.etag(), metadata.commit_hash()].into_iter().find(|name| !plain(name)) {
            return Err(HubError::Header { address: address.to_owned(), value: name.to_owned() });
        }
        let mut part = self.cache.repo(self.repo.clone()).blob_path(metadata.etag());
        part.set_extension(PART);
        // A download that was stopped after its last byte cannot be resumed.
        if part.metadata().is_ok_and(|part| part.len() >= metadata.size() as u64) {
            let _ = fs::remove_file(&part);
        }
        let fetched = repo.download(path).map_err(failed)?;
        check(address, &fetched, Some(metadata.size() as u64))?;
        Ok(fetched)
    }
}

impl Beside for Hub {
    fn file(&self, name: &str) -> Result<Option<PathBuf>, TaskError> {
        if name.contains(['/', '\\']) {
            return Ok(None);
        }
        match self.get(&format!("{}{name}", self.folder)) {
            Ok((path, _)) => Ok(Some(path)),
            Err(HubError::NotFound { .. }) => Ok(None),
            Err(error @ HubError::Fetch { .. }) if self.without_server => {
                alert!("warning: {error}; {name} is not in the cache either, and is left out");
                Ok(None)
            }
            Err(error) => Err(error.into()),
        }
    }
}

/// Checks the size of a file of the cache, if it is given, and its SHA-256, if that is its name. A file that differs is
/// deleted.
fn check(address: &str, pointer: &Path, size: Option<u64>) -> Result<(), HubError> {
    let failed = |source| HubError::Cache { path: pointer.to_owned(), source };
    // In a snapshot a file is a link to the one that is named by its content.
    let file = pointer.canonicalize().map_err(failed)?;
    let found = file.metadata().map_err(failed)?.len();
    let address = address.to_owned();
    let name = file.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let hash = Some(name).filter(|name| name.len() == SHA256 && name.bytes().all(|byte| byte.is_ascii_hexdigit()));
    let fault = match (size, hash) {
        (Some(wanted), _) if wanted != found => Some(HubError::Size { address, found, wanted }),
        (_, Some(wanted)) => {
            let found = sha256(&file).map_err(failed)?;
            (found != wanted.to_lowercase()).then(|| HubError::Hash { address, found, wanted: wanted.to_owned() })
        }
        _ => None,
    };
    let Some(fault) = fault else { return Ok(()) };
    for path in [&file, pointer] {
        match fs::remove_file(path) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => return Err(failed(source)),
            _ => {}
        }
    }
    Err(fault)
}

fn sha256(path: &Path) -> io::Result<String> {
    let mut file = File::open(path)?;
    let (mut hasher, mut buffer) = (Sha256::new(), vec![0; 1 << 16]);
    loop {
        match file.read(&mut buffer)? {
            0 => break,
            count => hasher.update(&buffer[..count]),
        }
    }
    Ok(hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

impl HubError {
    /// The error of a request for `address`.
    fn of(address: &str, error: ApiError) -> Self {
        let address = address.to_owned();
        match error {
            ApiError::RequestError(request) => match *request {
                ureq::Error::StatusCode(404) => Self::NotFound { address },
                ureq::Error::StatusCode(status @ (401 | 403)) => Self::Denied { address, status },
                ureq::Error::StatusCode(status) => Self::Status { address, status },
                other => Self::Fetch { address, source: other.into() },
            },
            ApiError::IoError(source) => Self::Interrupted { address, source },
            other => Self::Fetch { address, source: other.into() },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_an_owner_a_name_a_file_and_perhaps_a_revision() {
        let file = |repository: &str, revision: &str, path: &str| HubFile {
            repository: repository.to_owned(),
            revision: revision.to_owned(),
            path: path.to_owned(),
        };
        for (text, wanted) in [
            ("hf:a/b/model.safetensors", file("a/b", "main", "model.safetensors")),
            ("hf:a/b/sub/model.pt@v1.0", file("a/b", "v1.0", "sub/model.pt")),
            ("hf:a/b/m@refs/pr/1", file("a/b", "refs/pr/1", "m")),
        ] {
            assert_eq!(text.parse::<HubFile>().unwrap(), wanted, "{text}");
        }
    }

    #[test]
    fn other_names_are_refused() {
        let short = ["hf:", "hf:a", "hf:a/b", "hf:a/b/", "hf:/b/c", "a/b/c", "hf:a/b/c@"];
        let odd = ["hf:a/../c", "hf:a/b/../../c", "hf:a/b/c d", "hf:a/b/c@../x", "hf:a/b/c?d", "hf:a/b/ü"];
        for text in [&short[..], &odd].concat() {
            let error = text.parse::<HubFile>().unwrap_err().to_string();
            assert!(error.contains("hf:OWNER/NAME/FILE"), "{text}: {error}");
        }
    }
}
