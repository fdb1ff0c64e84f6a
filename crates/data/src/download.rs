//! Downloading data sets: resumable, and verified before a file gets its final name.
//!
//! A file is written to `NAME.part` in its folder, and renamed once its size and SHA-256 are verified: a file with its
//! final name is always complete. An interrupted `.part` is continued with an HTTP `Range` request, or restarted if
//! the server does not support ranges.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use sha2::{Digest, Sha256};
use ureq::Body;
use ureq::http::{Response, StatusCode, header};

use crate::catalogue::{Entry, RemoteFile};
use crate::{DataError, ErrorKind};

/// Timeout for data from the server.
const PATIENCE: Duration = Duration::from_secs(30);
const BUFFER: usize = 1 << 16;

/// Whether a file was downloaded or already existed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It already existed, complete.
    AlreadyThere,
    /// It was downloaded.
    Downloaded {
        /// Bytes that an earlier download had left.
        resumed_from: u64,
    },
}

/// Downloads files of the catalogue.
#[derive(Clone, Debug)]
pub struct Downloader {
    agent: ureq::Agent,
    mirror: Option<String>,
}

impl Default for Downloader {
    fn default() -> Self {
        Self::new(None)
    }
}

impl Downloader {
    /// A downloader from the public addresses or, with a mirror, from `MIRROR/NAME/PATH`, where NAME is the data set's
    /// name and PATH the file's path in it.
    pub fn new(mirror: Option<&str>) -> Self {
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_connect(Some(PATIENCE))
            .timeout_recv_response(Some(PATIENCE))
            .timeout_per_read(Some(PATIENCE))
            .build();
        let mirror = mirror.map(|base| base.trim_end_matches('/').to_owned());
        Self { agent: config.new_agent(), mirror }
    }

    /// Downloads a file of a data set to its place in the data folder. `progress` is called for each chunk of data
    /// with the number of bytes of [`RemoteFile::bytes`] so far.
    ///
    /// # Errors
    /// - [`ErrorKind::Network`]: the server or the file is not available;
    /// - [`ErrorKind::Interrupted`]: the received data is kept, and another call resumes;
    /// - [`ErrorKind::Changed`]: the server has another file, or a local file of that name has other content;
    /// - [`ErrorKind::Read`], [`ErrorKind::Write`]: a disk error.
    pub fn get(
        &self,
        entry: &Entry,
        file: &RemoteFile,
        data_folder: &Path,
        progress: &mut dyn FnMut(u64),
    ) -> Result<Outcome, DataError> {
        let target = entry.local_path(file, data_folder);
        if target.exists() {
            return match fault(&target, file)? {
                None => Ok(Outcome::AlreadyThere),
                Some(_) => {
                    let message = "this file differs from the catalogue's; move it to download that one";
                    Err(ErrorKind::Changed.error(message).within(target))
                }
            };
        }
        let url = match &self.mirror {
            Some(base) => format!("{base}/{}/{}", entry.name, file.path),
            None => file.url.clone(),
        };
        if let Some(folder) = target.parent() {
            fs::create_dir_all(folder).map_err(|source| DataError::write(folder, source))?;
        }
        let mut transfer = Transfer { url, file, part: target.with_added_extension("part"), progress };
        let resumed_from = transfer.run(&self.agent)?;
        if let Some(fault) = fault(&transfer.part, file)? {
            transfer.discard()?;
            return Err(match fault {
                Fault::Size(seen) => transfer.wrong_size(seen),
                Fault::Hash(seen) => {
                    let message = format!(
                        "the SHA-256 of the file is {seen}, and the catalogue says {}; it was damaged on the way or has \
                         changed",
                        file.sha256
                    );
                    ErrorKind::Changed.error(message).within(transfer.url)
                }
            });
        }
        fs::rename(&transfer.part, &target).map_err(|source| DataError::write(&target, source))?;
        Ok(Outcome::Downloaded { resumed_from })
    }
}

/// The transfer of a file to its `.part`.
struct Transfer<'a> {
    url: String,
    file: &'a RemoteFile,
    part: PathBuf,
    progress: &'a mut dyn FnMut(u64),
}

impl Transfer<'_> {
    /// Completes the `.part`; returns the number of bytes that it already had.
    fn run(&mut self, agent: &ureq::Agent) -> Result<u64, DataError> {
        let mut have = match self.part.metadata() {
            Ok(metadata) => metadata.len(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => 0,
            Err(source) => return Err(DataError::read(&self.part, source)),
        };
        if have == self.file.bytes && have > 0 {
            return Ok(have);
        }
        if have > self.file.bytes {
            self.discard()?;
            have = 0;
        }
        let mut response = self.request(agent, have)?;
        let refused = match response.status() {
            StatusCode::PARTIAL_CONTENT => !continues_at(&response, have),
            status => status == StatusCode::RANGE_NOT_SATISFIABLE,
        };
        if have > 0 && refused {
            self.discard()?;
            have = 0;
            response = self.request(agent, have)?;
        }
        match response.status() {
            StatusCode::PARTIAL_CONTENT if have > 0 => {}
            StatusCode::OK => have = 0,
            status => {
                let message = format!("the server answers with HTTP status {}", status.as_u16());
                return Err(ErrorKind::Network.error(message).within(&self.url));
            }
        }
        let announced = response.body().content_length().map(|rest| have + rest);
        if let Some(announced) = announced.filter(|announced| *announced != self.file.bytes) {
            return Err(self.wrong_size(announced));
        }
        self.receive(response.into_body().into_reader(), have)?;
        Ok(have)
    }

    fn request(&self, agent: &ureq::Agent, have: u64) -> Result<Response<Body>, DataError> {
        let mut request = agent.get(&self.url);
        if have > 0 {
            request = request.header(header::RANGE, format!("bytes={have}-"));
        }
        request.call().map_err(|source| {
            let message = "cannot connect; see whether the address is reachable, or use a mirror";
            ErrorKind::Network.error(message).within(&self.url).because(source)
        })
    }

    /// Writes a response body after the first `have` bytes of the `.part`.
    fn receive(&mut self, mut body: impl Read, mut have: u64) -> Result<(), DataError> {
        let failed = |source| DataError::write(&self.part, source);
        let mut options = OpenOptions::new();
        options.create(true).write(true);
        let options = if have > 0 { options.append(true) } else { options.truncate(true) };
        let mut part = options.open(&self.part).map_err(failed)?;
        let mut buffer = vec![0; BUFFER];
        loop {
            (self.progress)(have);
            let wanted = self.file.bytes;
            let count = match body.read(&mut buffer) {
                Ok(0) if have < wanted => {
                    return Err(self.interrupted(have));
                }
                Ok(0) => return part.sync_all().map_err(failed),
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(self.interrupted(have).because(error)),
            };
            have += count as u64;
            if have > wanted {
                self.discard()?;
                return Err(self.wrong_size(have));
            }
            part.write_all(&buffer[..count]).map_err(failed)?;
        }
    }

    fn discard(&self) -> Result<(), DataError> {
        match fs::remove_file(&self.part) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => Err(DataError::write(&self.part, source)),
            _ => Ok(()),
        }
    }

    fn wrong_size(&self, seen: u64) -> DataError {
        let wanted = self.file.bytes;
        let message = format!("the file has {seen} bytes or more, and the catalogue says {wanted}; it has changed");
        ErrorKind::Changed.error(message).within(&self.url)
    }

    fn interrupted(&self, have: u64) -> DataError {
        let wanted = self.file.bytes;
        let message = format!("download interrupted at {have} of {wanted} bytes; run it again to resume");
        ErrorKind::Interrupted.error(message).within(&self.url)
    }
}

/// Whether a partial response continues the file at byte `have`.
fn continues_at(response: &Response<Body>, have: u64) -> bool {
    let range = response.headers().get(header::CONTENT_RANGE).and_then(|range| range.to_str().ok());
    range.is_some_and(|range| range.starts_with(&format!("bytes {have}-")))
}

/// How a file differs from the catalogue.
enum Fault {
    Size(u64),
    Hash(String),
}

fn fault(path: &Path, file: &RemoteFile) -> Result<Option<Fault>, DataError> {
    let failed = |source| DataError::read(path, source);
    let mut content = File::open(path).map_err(failed)?;
    let size = content.metadata().map_err(failed)?.len();
    if size != file.bytes {
        return Ok(Some(Fault::Size(size)));
    }
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; BUFFER];
    loop {
        match content.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => hasher.update(&buffer[..count]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(source) => return Err(failed(source)),
        }
    }
    let seen: String = hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    Ok((seen != file.sha256).then_some(Fault::Hash(seen)))
}

#[cfg(test)]
mod tests;
