//! Backends that are compiled in, and their devices on this machine.

use anyhow::{Context, Result, bail};
use burn::tensor::{Device, DeviceType};
use rayon::ThreadPoolBuilder;
use rekindle_data::{counted, files};
use rekindle_kernels::tuning;

use crate::options::DeviceOptions;
use crate::ranks;

/// A backend, whether compiled in or not.
pub struct Backend {
    /// Its name, also that of its feature flag.
    pub name: &'static str,
    /// None if it is not compiled in.
    device_type: Option<DeviceType>,
    /// Whether its devices are GPUs.
    pub gpu: bool,
    /// The software GPU on the CPU, if the backend supports one.
    software: Option<Device>,
}

/// The kind of hardware behind a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A GPU.
    Gpu,
    /// The CPU, emulating a GPU: correct, but slow.
    SoftwareGpu,
    /// The CPU.
    Cpu,
}

impl Kind {
    /// The printed name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Gpu => "GPU",
            Self::SoftwareGpu => "software GPU",
            Self::Cpu => "CPU",
        }
    }
}

/// The type of a backend's devices, if it is compiled in.
macro_rules! compiled {
    ($feature:literal, $device_type:ident) => {{
        #[cfg(feature = $feature)]
        let device_type = Some(DeviceType::$device_type);
        #[cfg(not(feature = $feature))]
        let device_type = None;
        device_type
    }};
}

/// The software device of a backend, if it is compiled in.
macro_rules! software {
    ($feature:literal, $device:ident) => {{
        #[cfg(feature = $feature)]
        let device = Some(Device::$device(burn::tensor::DeviceKind::Cpu));
        #[cfg(not(feature = $feature))]
        let device = None;
        device
    }};
}

/// All backends. The first with a device that is not a software GPU is the default.
pub fn backends() -> Vec<Backend> {
    let gpu = |name, device_type, software| Backend { name, device_type, gpu: true, software };
    let cpu = |name, device_type| Backend { name, device_type, gpu: false, software: None };
    vec![
        gpu("cuda", compiled!("cuda", Cuda), None),
        gpu("rocm", compiled!("rocm", Rocm), None),
        gpu("metal", compiled!("metal", Metal), software!("metal", metal)),
        gpu("vulkan", compiled!("vulkan", Vulkan), software!("vulkan", vulkan)),
        gpu("webgpu", compiled!("webgpu", WebGpu), software!("webgpu", webgpu)),
        gpu("wgpu", compiled!("wgpu", Wgpu), software!("wgpu", wgpu)),
        cpu("flex", compiled!("flex", Flex)),
        cpu("ndarray", compiled!("ndarray", NdArray)),
    ]
}

impl Backend {
    /// Whether it is compiled in.
    pub fn compiled(&self) -> bool {
        self.device_type.is_some()
    }

    /// Its devices on this machine, with their kinds.
    pub fn devices(&self) -> Vec<(Device, Kind)> {
        let devices = self.device_type.clone().map(|device_type| Device::enumerate(device_type).into_vec());
        let kind = |device: &Device| match self.gpu {
            true if self.software.as_ref() == Some(device) => Kind::SoftwareGpu,
            true => Kind::Gpu,
            false => Kind::Cpu,
        };
        devices.unwrap_or_default().into_iter().map(|device| (device.clone(), kind(&device))).collect()
    }
}

/// A selected device.
pub struct Chosen {
    /// The backend's name.
    pub name: &'static str,
    /// The device.
    pub device: Device,
    /// Its kind.
    pub kind: Kind,
}

/// Sets the number of threads and the limit for gzip files, and selects the device of `options`.
pub fn choose(options: &DeviceOptions) -> Result<Chosen> {
    start_threads(options.threads, true)?;
    device(options)
}

/// The same for work on several threads, of which none is this one.
#[cfg(feature = "view")]
pub fn choose_for_others(options: &DeviceOptions) -> Result<Chosen> {
    start_threads(options.threads, false)?;
    device(options)
}

fn device(options: &DeviceOptions) -> Result<Chosen> {
    tuning::keep_in_user_cache();
    options.gzip_ratio.into_iter().for_each(files::set_ratio);
    match &options.backend {
        Some(wanted) => named(wanted),
        None => default(),
    }
}

/// A CPU backend, if one is compiled in, for commands that compute nothing.
pub fn host() -> Result<Chosen> {
    let backend = backends().into_iter().find(|backend| backend.compiled() && !backend.gpu);
    choose(&DeviceOptions { backend: backend.map(|backend| backend.name.to_owned()), ..DeviceOptions::default() })
}

/// Limit on threads per core: more would wait for each other for minutes.
const THREADS_PER_CORE: usize = 4;
/// This many threads are allowed on any machine.
const LEAST_LIMIT: usize = 16;

/// Starts the compute threads, `None` for one per core. `this` thread is one of them if it is the one that computes.
fn start_threads(threads: Option<u16>, this: bool) -> Result<()> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let most = (THREADS_PER_CORE * cores).max(LEAST_LIMIT);
    if let Some(threads) = threads.filter(|&threads| usize::from(threads) > most) {
        bail!("--threads {threads}: must be at most {most} on this machine, which has {}", counted(cores, "cores"));
    }
    let pool = ThreadPoolBuilder::new().num_threads(threads.map_or(0, usize::from));
    // A training step hands out work two dozen times, and would otherwise have to wake another thread and wait for it
    // each time.
    let pool = if this { pool.use_current_thread() } else { pool };
    match pool.build_global() {
        Err(e) if threads.is_some() => Err(e).context("cannot start the threads"),
        // Without a given number, existing threads are used.
        _ => Ok(()),
    }
}

fn default() -> Result<Chosen> {
    for backend in backends() {
        let devices = backend.devices().into_iter().filter(|(_, kind)| *kind != Kind::SoftwareGpu);
        if let Some((device, kind)) = of_rank(devices.collect()) {
            return Ok(Chosen { name: backend.name, device, kind });
        }
    }
    bail!("no compiled backend has a device on this machine; build with `--features flex`")
}

/// The device of this process: processes on one machine take its GPUs in turn.
fn of_rank(devices: Vec<(Device, Kind)>) -> Option<(Device, Kind)> {
    let count = devices.len().max(1);
    devices.into_iter().nth(ranks::on_this_machine() % count)
}

/// Whether the compiler of a software GPU crashes on the SPIR-V that Burn writes, if it is compiled in, for its
/// products. The feature `vulkan` makes `wgpu` write it too.
fn ends_the_program(backend: &str, kind: Kind, spirv: bool) -> bool {
    spirv && kind == Kind::SoftwareGpu && ["vulkan", "wgpu"].contains(&backend)
}

fn named(wanted: &str) -> Result<Chosen> {
    let (name, index) = match wanted.split_once(':') {
        Some((name, index)) => {
            let index = index.parse().ok().with_context(|| format!("--backend {wanted}: {index} is not a number"))?;
            (name, Some(index))
        }
        None => (wanted, None),
    };
    let all = backends();
    let Some(backend) = all.iter().find(|backend| backend.name == name) else {
        let names: Vec<_> = all.iter().map(|backend| backend.name).collect();
        bail!("there is no backend {name}; there are {}", names.join(", "));
    };
    if !backend.compiled() {
        let compiled: Vec<_> = all.iter().filter(|backend| backend.compiled()).map(|backend| backend.name).collect();
        let compiled = compiled.join(", ");
        bail!("the backend {name} is not compiled in: build with `--features {name}` (compiled in: {compiled})");
    }
    let devices = backend.devices();
    let found = devices.len();
    let device = match index {
        Some(index) => devices.into_iter().nth(index),
        None => of_rank(devices),
    };
    match device {
        Some((_, kind)) if ends_the_program(name, kind, cfg!(feature = "vulkan")) => bail!(
            "--backend {wanted}: with the feature `vulkan`, Burn's matrix products end the program on a software GPU \
             (Mesa 22.3 and 25.0 were tried); build with `--features wgpu` instead, without `vulkan`"
        ),
        Some((device, kind)) => Ok(Chosen { name: backend.name, device, kind }),
        None if found == 0 => bail!("the backend {name} finds no device on this machine"),
        None => bail!("--backend {wanted}: {name} has {}, numbered from 0", counted(found, "devices")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_software_gpu_with_spirv_is_refused() {
        assert!(ends_the_program("vulkan", Kind::SoftwareGpu, true));
        assert!(ends_the_program("wgpu", Kind::SoftwareGpu, true));
        assert!(!ends_the_program("wgpu", Kind::SoftwareGpu, false));
        assert!(!ends_the_program("vulkan", Kind::Gpu, true));
        assert!(!ends_the_program("flex", Kind::Cpu, true));
    }
}
