//! Kernels over many tensors at once, on a GPU: the number of launches depends on the number of buffers that a kernel
//! of the device may have, not on the number of tensors.

use burn::{backend::TensorMetadata, tensor::Tensor};
use burn_cubecl::{Cube, kernel::into_contiguous, tensor::CubeTensor};
use cubecl::prelude::*;

use crate::{device::is_native_on_gpu, native::cube::cast};

/// The most tensors in a launch: the code of a kernel grows with them.
const TENSORS: usize = 32;

/// Elements of a tensor that a workgroup takes, unless there would be too many workgroups.
const CHUNK: usize = 2048;

/// The most workgroups in a launch: every device has as many in one dimension.
const WORKGROUPS: usize = 1 << 15;

/// Threads of a workgroup, if the device has as many.
const THREADS: u32 = 256;

/// The tensor of a GPU that runs our kernels.
///
/// # Panics
/// If autodiff tracks the tensor, or it is on another device.
pub(crate) fn primitive<const D: usize>(tensor: Tensor<D>) -> CubeTensor {
    cast(tensor.try_into_primitive::<Cube>().expect("a tensor of a GPU, without gradients"))
}

/// Whether the kernels take the tensor: of `f32`, on such a GPU, without gradients.
pub(crate) fn has_kernels<const D: usize>(tensor: &Tensor<D>) -> bool {
    is_native_on_gpu(tensor) && !tensor.device().is_autodiff()
}

/// The inverse of [`primitive`].
pub(crate) fn wrap<const D: usize>(tensor: CubeTensor) -> Tensor<D> {
    Tensor::from_primitive::<Cube>(cast(tensor))
}

/// Threads of a workgroup, a power of two.
pub(crate) fn threads(client: &Client, wanted: usize) -> u32 {
    let most = client.properties().hardware.max_units_per_cube.min(THREADS);
    let wanted = u32::try_from(wanted).unwrap_or(most).min(most).max(1);
    // The largest power of two in `most`, or a smaller one that is enough.
    (1 << most.ilog2()).min(wanted.next_power_of_two())
}

/// The workgroups of a launch that work on one tensor.
#[derive(Clone, Copy, Debug, CubeLaunch, CubeType)]
pub(crate) struct Place {
    pub first: usize,
    pub end: usize,
}

#[cube]
impl Place {
    /// Whether the workgroup is one of them.
    pub fn is_here(&self) -> bool {
        CUBE_POS >= self.first && CUBE_POS < self.end
    }

    /// The first element of the workgroup.
    pub fn begin(&self, chunk: usize) -> usize {
        (CUBE_POS - self.first) * chunk
    }
}

/// A launch over some of the tensors.
pub(crate) struct Launch {
    /// The tensors, by index, with the workgroups of each.
    pub tensors: Vec<(usize, [usize; 2])>,
    /// Its workgroups.
    pub workgroups: usize,
    /// Elements of a workgroup.
    pub chunk: usize,
}

impl Launch {
    /// The launches over tensors with `lengths` elements, of which each takes `buffers` buffers and a kernel takes
    /// `others` besides. Empty tensors have none.
    pub fn plan(client: &Client, lengths: &[usize], buffers: usize, others: usize) -> Vec<Self> {
        // The sizes and the constants are in a buffer too.
        let bindings = (client.properties().hardware.max_bindings as usize).saturating_sub(others + 1);
        let tensors = (bindings / buffers).clamp(1, TENSORS);
        let full: Vec<usize> = (0..lengths.len()).filter(|&index| lengths[index] > 0).collect();
        let launch = |indices: &[usize]| {
            let total: usize = indices.iter().map(|&index| lengths[index]).sum();
            let chunk = CHUNK.max(total.div_ceil(WORKGROUPS));
            let mut workgroups = 0;
            let place = |&index: &usize| {
                let first = workgroups;
                workgroups += lengths[index].div_ceil(chunk);
                (index, [first, workgroups])
            };
            let tensors = indices.iter().map(place).collect();
            Launch { tensors, workgroups, chunk }
        };
        full.chunks(tensors).map(launch).collect()
    }

    /// The threads of a workgroup, as a kernel is launched.
    pub fn group(&self, client: &Client) -> CubeDim {
        CubeDim::new_1d(threads(client, self.chunk))
    }

    /// The number of workgroups, as a kernel is launched.
    pub fn count(&self) -> CubeCount {
        CubeCount::Static(self.workgroups as u32, 1, 1)
    }
}

/// Calls `run` for each launch over `steps` of parameters, with the device of their gradients, and with its steps, of
/// which each takes `buffers` buffers. A step comes with its place and its number of elements.
pub(crate) fn each_launch<S>(
    mut steps: Vec<S>,
    gradient: impl Fn(&S) -> &CubeTensor,
    buffers: usize,
    run: impl Fn(&Client, &Launch, Vec<(S, PlaceLaunch, usize)>),
) {
    while let Some(first) = steps.first() {
        let (device, client) = (gradient(first).device.clone(), gradient(first).client.clone());
        let (here, others): (Vec<_>, Vec<_>) = steps.into_iter().partition(|step| gradient(step).device == device);
        let lengths: Vec<usize> = here.iter().map(|step| gradient(step).shape().num_elements()).collect();
        let mut here: Vec<_> = here.into_iter().map(Some).collect();
        for launch in Launch::plan(&client, &lengths, buffers, 0) {
            let tensors = launch.tensors.iter();
            let steps = tensors.filter_map(|&(index, at)| Some((here[index].take()?, place(at), lengths[index])));
            run(&client, &launch, steps.collect());
        }
        steps = others;
    }
}

/// The place of a tensor as a kernel argument.
pub(crate) fn place([first, end]: [usize; 2]) -> PlaceLaunch {
    PlaceLaunch::new(first, end)
}

/// A tensor in any layout of two dimensions as a kernel argument: element `i` is that of row `i / columns` and column
/// `i % columns`.
#[derive(CubeLaunch, CubeType)]
pub(crate) struct Strided {
    values: Box<[f32]>,
    count: usize,
    columns: usize,
    row_stride: usize,
    column_stride: usize,
}

#[cube]
impl Strided {
    /// Element `index` in row-major order.
    pub fn get(&self, index: usize) -> f32 {
        self.values[index / self.columns * self.row_stride + index % self.columns * self.column_stride]
    }

    /// The number of elements.
    pub fn count(&self) -> usize {
        self.count
    }
}

/// The tensor as a kernel argument; copied only if its layout has more than two dimensions.
pub(crate) fn strided(tensor: CubeTensor) -> StridedLaunch {
    let count = tensor.shape().num_elements();
    let (tensor, [columns, row, column]) = match (tensor.shape().num_dims(), tensor.is_contiguous()) {
        (2, false) => {
            let (columns, strides) = (tensor.shape()[1], tensor.meta.strides());
            let layout = [columns, strides[0], strides[1]];
            (tensor, layout)
        }
        (_, contiguous) => (if contiguous { tensor } else { into_contiguous(tensor) }, [count, 0, 1]),
    };
    StridedLaunch::new(tensor.into_buffer_arg(), count, columns, row, column)
}

/// The sum of a number of each thread of a workgroup of `threads`, a power of two; in the same order whatever the
/// device.
///
/// All threads must call it.
#[cube]
pub(crate) fn sum_of_workgroup(value: f32, #[comptime] threads: u32) -> f32 {
    reduce(value, threads, false)
}

/// The largest number of a workgroup's threads, as [`sum_of_workgroup`]; what is not a number is left out.
#[cube]
pub(crate) fn max_of_workgroup(value: f32, #[comptime] threads: u32) -> f32 {
    reduce(value, threads, true)
}

/// The sum, or the largest, by halves.
#[cube]
fn reduce(value: f32, #[comptime] threads: u32, #[comptime] largest: bool) -> f32 {
    let mut values = Shared::<[f32]>::new_slice(threads as usize);
    let thread = UNIT_POS as usize;
    values[thread] = value;
    sync_cube();
    #[unroll]
    for level in 0..comptime!(threads.ilog2()) {
        let half = comptime!((threads >> (level + 1)) as usize);
        if thread < half {
            let other = values[thread + half];
            if comptime![largest] {
                if other > values[thread] {
                    values[thread] = other;
                }
            } else {
                values[thread] += other;
            }
        }
        sync_cube();
    }
    values[0]
}
