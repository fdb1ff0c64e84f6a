//! Where to compute: the backends that are compiled in, and what each finds on this machine.

use anyhow::{Context, Result, bail};
use burn::tensor::{Device, DeviceType};
use rayon::ThreadPoolBuilder;

use crate::options::DeviceOptions;

/// A backend, whether compiled in or not.
pub struct Backend {
    /// Its name, which is the name of its feature flag too.
    pub name: &'static str,
    /// None when it is not compiled in.
    device_type: Option<DeviceType>,
    /// Whether its devices are graphics processors.
    pub gpu: bool,
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

/// All backends; of those that have a device, the first is the default.
pub fn backends() -> Vec<Backend> {
    let gpu = |name, device_type| Backend { name, device_type, gpu: true };
    let cpu = |name, device_type| Backend { name, device_type, gpu: false };
    vec![
        gpu("cuda", compiled!("cuda", Cuda)),
        gpu("rocm", compiled!("rocm", Rocm)),
        gpu("metal", compiled!("metal", Metal)),
        gpu("vulkan", compiled!("vulkan", Vulkan)),
        gpu("webgpu", compiled!("webgpu", WebGpu)),
        gpu("wgpu", compiled!("wgpu", Wgpu)),
        cpu("flex", compiled!("flex", Flex)),
        cpu("ndarray", compiled!("ndarray", NdArray)),
    ]
}

impl Backend {
    /// Whether this program holds it.
    pub fn compiled(&self) -> bool {
        self.device_type.is_some()
    }

    /// The devices that it finds on this machine.
    pub fn devices(&self) -> Vec<Device> {
        self.device_type.clone().map(|device_type| Device::enumerate(device_type).into_vec()).unwrap_or_default()
    }
}

/// A device that was chosen.
pub struct Chosen {
    /// The backend's name.
    pub name: &'static str,
    /// The device.
    pub device: Device,
}

/// Sets the number of threads, and finds the device that `options` ask for.
pub fn choose(options: &DeviceOptions) -> Result<Chosen> {
    if let Some(threads) = options.threads {
        let pool = ThreadPoolBuilder::new().num_threads(usize::from(threads));
        pool.build_global().context("cannot start the threads")?;
    }
    match &options.backend {
        Some(wanted) => named(wanted),
        None => default(),
    }
}

fn default() -> Result<Chosen> {
    for backend in backends() {
        if let Some(device) = backend.devices().into_iter().next() {
            return Ok(Chosen { name: backend.name, device });
        }
    }
    bail!("no backend is compiled in that has a device here; build with `--features flex`")
}

fn named(wanted: &str) -> Result<Chosen> {
    let (name, index) = match wanted.split_once(':') {
        Some((name, index)) => {
            let index = index.parse().ok().with_context(|| format!("--backend {wanted}: {index} is not a number"))?;
            (name, index)
        }
        None => (wanted, 0),
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
    match devices.into_iter().nth(index) {
        Some(device) => Ok(Chosen { name: backend.name, device }),
        None if found == 0 => bail!("the backend {name} finds no device on this machine"),
        None => bail!("--backend {wanted}: {name} has {found} device(s), numbered from 0"),
    }
}
