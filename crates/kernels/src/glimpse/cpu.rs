//! Reading and writing through a grid, over slices: image by image, each by one thread.
//!
//! The filters are computed again in the backward pass: they are a few hundred numbers of an image.

use burn::backend::{TensorMetadata, tensor::FloatTensor};
use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use super::{Grid, LOG_BOUND, WINDOW};
use crate::cpu::{
    activation,
    exponentials::Exponentials,
    lanes::{Lanewise, update},
    operation::Operation,
    tensors::CpuBackend,
};

/// [`Grid::read`]: images, canvases, windows.
#[derive(Clone, Debug)]
pub(super) struct Read(pub Grid);

/// [`Grid::write`]: canvases, patches, windows.
#[derive(Clone, Debug)]
pub(super) struct Write(pub Grid);

/// The grid, and the inputs for the backward pass.
#[derive(Clone, Debug)]
pub(super) struct Saved<B: CpuBackend, const N: usize>(Grid, [FloatTensor<B>; N]);

impl Operation<3> for Read {
    type Saved<B: CpuBackend> = Saved<B, 3>;

    fn forward<B: CpuBackend>(self, inputs: [FloatTensor<B>; 3]) -> (FloatTensor<B>, Saved<B, 3>) {
        let grid = self.0;
        let inputs = inputs.map(B::contiguous);
        let [images, canvas, window] = inputs.each_ref().map(B::slice);
        let mut glimpses = vec![0.0; window.len() / WINDOW * 2 * grid.numbers()];
        let rows = glimpses.chunks_mut(2 * grid.numbers()).zip(images.chunks(grid.pixels()));
        let rows = rows.zip(canvas.chunks(grid.pixels()).zip(window.chunks(WINDOW)));
        let rows = rows.map(|((glimpse, image), (canvas, window))| Reading { image, canvas, window, glimpse });
        in_parallel(grid, rows.collect());
        let shape = [window.len() / WINDOW, 2 * grid.numbers()];
        (B::from_elements(glimpses, shape.into()), Saved(grid, inputs))
    }

    fn backward<B: CpuBackend>(
        Saved(grid, inputs): Saved<B, 3>,
        d: FloatTensor<B>,
        wanted: [bool; 3],
    ) -> [Option<FloatTensor<B>>; 3] {
        let d = B::contiguous(d);
        let shapes = inputs.each_ref().map(TensorMetadata::shape);
        let [images, canvas, window] = inputs.each_ref().map(B::slice);
        let mut gradients = [images, canvas, window].map(|input| vec![0.0; input.len()]);
        let [d_images, d_canvas, d_window] = &mut gradients;
        let rows = images.chunks(grid.pixels()).zip(canvas.chunks(grid.pixels())).zip(window.chunks(WINDOW));
        let slopes = d_images.chunks_mut(grid.pixels()).zip(d_canvas.chunks_mut(grid.pixels()));
        let rows = rows.zip(slopes.zip(d_window.chunks_mut(WINDOW))).zip(B::slice(&d).chunks(2 * grid.numbers()));
        let rows = rows.map(|((((image, canvas), window), ((d_image, d_canvas), d_window)), d)| ReadingBack {
            image,
            canvas,
            window,
            d,
            d_image: wanted[0].then_some(d_image),
            d_canvas,
            d_window,
        });
        in_parallel(grid, rows.collect());
        given::<B, 3>(gradients, shapes, wanted)
    }
}

impl Operation<3> for Write {
    /// Patches and windows.
    type Saved<B: CpuBackend> = Saved<B, 2>;

    fn forward<B: CpuBackend>(self, [canvas, patches, window]: [FloatTensor<B>; 3]) -> (FloatTensor<B>, Saved<B, 2>) {
        let grid = self.0;
        let mut canvas = B::owned(canvas);
        let inputs = [patches, window].map(B::contiguous);
        let [patches, window] = inputs.each_ref().map(B::slice);
        let rows = B::slice_mut(&mut canvas).chunks_mut(grid.pixels()).zip(patches.chunks(grid.numbers()));
        let rows = rows.zip(window.chunks(WINDOW));
        let rows = rows.map(|((canvas, patch), window)| Writing { patch, window, canvas });
        in_parallel(grid, rows.collect());
        (canvas, Saved(grid, inputs))
    }

    fn backward<B: CpuBackend>(
        Saved(grid, inputs): Saved<B, 2>,
        d: FloatTensor<B>,
        [of_canvas, of_patches, of_window]: [bool; 3],
    ) -> [Option<FloatTensor<B>>; 3] {
        let d = B::contiguous(d);
        let shapes = inputs.each_ref().map(TensorMetadata::shape);
        let [patches, window] = inputs.each_ref().map(B::slice);
        let mut gradients = [patches, window].map(|input| vec![0.0; input.len()]);
        if of_patches || of_window {
            let [d_patches, d_window] = &mut gradients;
            let slopes = d_patches.chunks_mut(grid.numbers()).zip(d_window.chunks_mut(WINDOW));
            let rows = patches.chunks(grid.numbers()).zip(window.chunks(WINDOW)).zip(slopes);
            let rows = rows.zip(B::slice(&d).chunks(grid.pixels()));
            let rows = rows.map(|(((patch, window), (d_patch, d_window)), d)| WritingBack {
                patch,
                window,
                d,
                d_patch,
                d_window,
            });
            in_parallel(grid, rows.collect());
        }
        let [patches, window] = given::<B, 2>(gradients, shapes, [of_patches, of_window]);
        [of_canvas.then_some(d), patches, window]
    }
}

/// The wanted gradients as tensors.
fn given<B: CpuBackend, const N: usize>(
    gradients: [Vec<f32>; N],
    shapes: [burn::tensor::Shape; N],
    wanted: [bool; N],
) -> [Option<FloatTensor<B>>; N] {
    let mut rest = shapes.into_iter().zip(wanted);
    gradients.map(|gradient| {
        let (shape, wanted) = rest.next().expect("as many shapes as gradients");
        wanted.then(|| B::from_elements(gradient, shape))
    })
}

/// The work on one image.
trait Row: Send {
    fn run<S: Simd>(self, simd: S, work: &mut Work);
}

fn in_parallel<R: Row>(grid: Grid, rows: Vec<R>) {
    let arch = Arch::new();
    rows.into_par_iter().for_each_init(|| Work::new(grid), |work, row| arch.dispatch(Task { row, work }));
}

struct Task<'w, R> {
    row: R,
    work: &'w mut Work,
}

impl<R: Row> WithSimd for Task<'_, R> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        self.row.run(simd, self.work);
    }
}

/// Buffers for the work on one image.
struct Work {
    grid: Grid,
    /// `F_X`
    across: Bank,
    /// `F_Y`
    down: Bank,
    /// `[N, width]`: `F_Y x`, or `w F_X`.
    half: Vec<f32>,
    /// `[N, width]`: the gradient of `half`.
    d_half: Vec<f32>,
    /// `[height, width]`: `σ(c)`.
    drawn: Vec<f32>,
    /// `[height, width]`: `x - σ(c)`.
    errors: Vec<f32>,
    /// `[height, width]`: the gradient of `errors`.
    d_errors: Vec<f32>,
}

impl Work {
    fn new(grid: Grid) -> Self {
        let [half, plane] = [grid.filters * grid.width, grid.height * grid.width].map(|size| vec![0.0; size]);
        Self {
            grid,
            across: Bank::new(grid, grid.width),
            down: Bank::new(grid, grid.height),
            d_half: half.clone(),
            half,
            drawn: plane.clone(),
            errors: plane.clone(),
            d_errors: plane,
        }
    }

    /// Computes the filters of a window, and zeros their gradients.
    #[inline(always)]
    fn place<S: Simd>(&mut self, simd: S, window: &[f32]) -> Placed {
        let placed = Placed::new(&self.grid, window);
        self.across.place(simd, placed.centre[0], &placed);
        self.down.place(simd, placed.centre[1], &placed);
        placed
    }

    /// `σ(c)` and `x - σ(c)` of one channel.
    #[inline(always)]
    fn compare<S: Simd>(&mut self, simd: S, image: &[f32], canvas: &[f32]) {
        update(simd, Drawn, [image, canvas], [&mut self.drawn, &mut self.errors]);
    }

    /// `half = F_Y x`.
    #[inline(always)]
    fn halve<S: Simd>(&mut self, simd: S, plane: &[f32]) {
        self.half.fill(0.0);
        let Self { grid, down, half, .. } = self;
        for (b, pixels) in plane.chunks_exact(grid.width).enumerate() {
            for (half, filter) in half.chunks_exact_mut(grid.width).zip(down.rows()) {
                add_scaled(simd, filter[b], pixels, half);
            }
        }
    }

    /// Adds the gradient of the window `[5]` from those of the filters and of `log γ`.
    #[inline(always)]
    fn differentiate(&self, placed: &Placed, d_log_intensity: f32, d_window: &mut [f32]) {
        let [across, down] = [&self.across, &self.down].map(|bank| bank.differentiate(placed));
        let sides = [self.grid.width, self.grid.height].map(|pixels| (pixels + 1) as f32 / 2.0);
        d_window[0] = across.centre * sides[0];
        d_window[1] = down.centre * sides[1];
        let logarithms =
            [across.log_variance + down.log_variance, across.log_stride + down.log_stride, d_log_intensity];
        for ((d, gradient), inside) in d_window[2..].iter_mut().zip(logarithms).zip(placed.inside) {
            *d = if inside { gradient } else { 0.0 };
        }
    }
}

/// A window, in pixels.
struct Placed {
    /// `g_X`, `g_Y`
    centre: [f32; 2],
    /// `σ²`
    variance: f32,
    /// `δ`
    stride: f32,
    /// `γ`
    intensity: f32,
    /// Whether each of the three logarithms is within its bounds, so that it has a gradient.
    inside: [bool; 3],
}

impl Placed {
    fn new(grid: &Grid, window: &[f32]) -> Self {
        let bound = LOG_BOUND as f32;
        let exp = |index: usize| window[index].clamp(-bound, bound).exp();
        let centre = |index: usize, pixels: usize| (window[index] + 1.0) * ((pixels + 1) as f32 / 2.0);
        Self {
            centre: [centre(0, grid.width), centre(1, grid.height)],
            variance: exp(2),
            stride: exp(3) * grid.unit_stride() as f32,
            intensity: exp(4),
            inside: [2, 3, 4].map(|index| window[index].abs() <= bound),
        }
    }
}

/// The filters along one side.
struct Bank {
    grid: Grid,
    /// Pixels of the side.
    pixels: usize,
    /// `F` `[N, pixels]`
    filters: Vec<f32>,
    /// `[N, pixels]`: the exponents, 0 at the pixel nearest to the filter's point.
    exponents: Vec<f32>,
    /// `[N]`: that pixel, counted from 1.
    nearest: Vec<f32>,
    /// `[N, pixels]`: the gradient of the filters.
    gradient: Vec<f32>,
}

/// The gradient of a window from one side.
#[derive(Default)]
struct OfSide {
    centre: f32,
    log_variance: f32,
    log_stride: f32,
}

impl Bank {
    fn new(grid: Grid, pixels: usize) -> Self {
        let zeros = vec![0.0; grid.filters * pixels];
        Self {
            grid,
            pixels,
            filters: zeros.clone(),
            exponents: zeros.clone(),
            nearest: vec![0.0; grid.filters],
            gradient: zeros,
        }
    }

    fn rows(&self) -> impl Iterator<Item = &[f32]> {
        self.filters.chunks_exact(self.pixels)
    }

    /// Computes the filters, and zeros their gradient.
    ///
    /// With `a0` the nearest pixel, `(a - μ)² - (a0 - μ)² = (a - a0)(a + a0 - 2μ)`: this does not lose digits where `μ`
    /// is far from all pixels, and does not overflow.
    #[inline(always)]
    fn place<S: Simd>(&mut self, simd: S, centre: f32, placed: &Placed) {
        self.gradient.fill(0.0);
        let rows = self.exponents.chunks_exact_mut(self.pixels).zip(self.filters.chunks_exact_mut(self.pixels));
        for (index, ((exponents, filter), nearest)) in rows.zip(&mut self.nearest).enumerate() {
            let point = centre + self.grid.offset(index) * placed.stride;
            *nearest = point.round().clamp(1.0, self.pixels as f32);
            let factor = -0.5 / placed.variance;
            for (a, exponent) in exponents.iter_mut().enumerate() {
                let a = (a + 1) as f32;
                *exponent = (a - *nearest) * (a + *nearest - 2.0 * point) * factor;
            }
            filter.copy_from_slice(exponents);
            let (_, sum) = Exponentials(filter).with_simd(simd);
            filter.iter_mut().for_each(|weight| *weight /= sum);
        }
    }

    /// The window's gradient from that of the filters. The exponents' gradient sums to 0 over a filter, so a constant
    /// may be left out of what it is multiplied by.
    #[inline(always)]
    fn differentiate(&self, placed: &Placed) -> OfSide {
        let mut side = OfSide::default();
        let rows = self.rows().zip(self.gradient.chunks_exact(self.pixels));
        for (index, ((filter, gradient), exponents)) in rows.zip(self.exponents.chunks_exact(self.pixels)).enumerate() {
            let mean: f32 = filter.iter().zip(gradient).map(|(weight, gradient)| weight * gradient).sum();
            let (mut of_point, mut of_variance) = (0.0, 0.0);
            for (a, ((weight, gradient), exponent)) in filter.iter().zip(gradient).zip(exponents).enumerate() {
                // The exponents of pixels without weight may be infinite.
                if *weight > 0.0 {
                    let d = weight * (gradient - mean);
                    of_point += d * ((a + 1) as f32 - self.nearest[index]);
                    of_variance -= d * exponent;
                }
            }
            let of_point = of_point / placed.variance;
            side.centre += of_point;
            side.log_stride += of_point * self.grid.offset(index) * placed.stride;
            side.log_variance += of_variance;
        }
        side
    }
}

struct Reading<'a> {
    image: &'a [f32],
    canvas: &'a [f32],
    window: &'a [f32],
    /// `[2, C, N, N]`
    glimpse: &'a mut [f32],
}

impl Row for Reading<'_> {
    #[inline(always)]
    fn run<S: Simd>(self, simd: S, work: &mut Work) {
        let Self { image, canvas, window, glimpse } = self;
        let placed = work.place(simd, window);
        let grid = work.grid;
        let patch = grid.filters * grid.filters;
        let (of_image, of_errors) = glimpse.split_at_mut(grid.numbers());
        let planes = image.chunks_exact(grid.height * grid.width).zip(canvas.chunks_exact(grid.height * grid.width));
        let glimpses = of_image.chunks_exact_mut(patch).zip(of_errors.chunks_exact_mut(patch));
        for ((image, canvas), (of_image, of_errors)) in planes.zip(glimpses) {
            work.compare(simd, image, canvas);
            glimpse_of(simd, work, image, placed.intensity, of_image);
            let errors = std::mem::take(&mut work.errors);
            glimpse_of(simd, work, &errors, placed.intensity, of_errors);
            work.errors = errors;
        }
    }
}

/// `γ F_Y x F_Xᵀ` `[N, N]` of one plane.
#[inline(always)]
fn glimpse_of<S: Simd>(simd: S, work: &mut Work, plane: &[f32], intensity: f32, glimpse: &mut [f32]) {
    work.halve(simd, plane);
    let halves = work.half.chunks_exact(work.grid.width);
    for (glimpse, half) in glimpse.chunks_exact_mut(work.grid.filters).zip(halves) {
        for (glimpse, filter) in glimpse.iter_mut().zip(work.across.rows()) {
            *glimpse = intensity * dot(simd, half, filter);
        }
    }
}

struct ReadingBack<'a> {
    image: &'a [f32],
    canvas: &'a [f32],
    window: &'a [f32],
    /// `[2, C, N, N]`: the gradient of the glimpse.
    d: &'a [f32],
    d_image: Option<&'a mut [f32]>,
    d_canvas: &'a mut [f32],
    d_window: &'a mut [f32],
}

impl Row for ReadingBack<'_> {
    #[inline(always)]
    fn run<S: Simd>(self, simd: S, work: &mut Work) {
        let Self { image, canvas, window, d, mut d_image, d_canvas, d_window } = self;
        let placed = work.place(simd, window);
        let grid = work.grid;
        let (plane, patch) = (grid.height * grid.width, grid.filters * grid.filters);
        let (of_image, of_errors) = d.split_at(grid.numbers());
        let mut d_log_intensity = 0.0;
        for channel in 0..grid.channels {
            let (pixels, numbers) = (channel * plane..(channel + 1) * plane, channel * patch..(channel + 1) * patch);
            let image = &image[pixels.clone()];
            work.compare(simd, image, &canvas[pixels.clone()]);
            let mut d_plane = d_image.as_mut().map(|d_image| &mut d_image[pixels.clone()]);
            let of_image = &of_image[numbers.clone()];
            d_log_intensity += plane_back(simd, work, image, placed.intensity, of_image, d_plane.as_deref_mut());
            let (errors, mut d_errors) = (std::mem::take(&mut work.errors), std::mem::take(&mut work.d_errors));
            d_errors.fill(0.0);
            let of_errors = &of_errors[numbers];
            d_log_intensity += plane_back(simd, work, &errors, placed.intensity, of_errors, Some(&mut d_errors));
            if let Some(d_plane) = d_plane {
                add_scaled(simd, 1.0, &d_errors, d_plane);
            }
            update(simd, OfDrawn, [&work.drawn, &d_errors], [&mut d_canvas[pixels]]);
            (work.errors, work.d_errors) = (errors, d_errors);
        }
        work.differentiate(&placed, d_log_intensity, d_window);
    }
}

/// Back-propagates the gradient `d` `[N, N]` of a glimpse of a plane: adds to the gradients of the filters and of the
/// plane, and returns that of `log γ`.
#[inline(always)]
fn plane_back<S: Simd>(
    simd: S,
    work: &mut Work,
    plane: &[f32],
    intensity: f32,
    d: &[f32],
    mut d_plane: Option<&mut [f32]>,
) -> f32 {
    work.halve(simd, plane);
    let Work { grid, across, down, half, d_half, .. } = work;
    let width = grid.width;
    d_half.fill(0.0);
    let mut d_log_intensity = 0.0;
    let halves = half.chunks_exact(width).zip(d_half.chunks_exact_mut(width));
    for ((half, d_half), d) in halves.zip(d.chunks_exact(grid.filters)) {
        let filters = across.filters.chunks_exact(width).zip(across.gradient.chunks_exact_mut(width));
        for ((filter, of_filter), d) in filters.zip(d) {
            let d = intensity * d;
            d_log_intensity += d * dot(simd, half, filter);
            add_scaled(simd, d, filter, d_half);
            add_scaled(simd, d, half, of_filter);
        }
    }
    for (j, d_half) in d_half.chunks_exact(width).enumerate() {
        let along = j * grid.height..(j + 1) * grid.height;
        for (b, of_filter) in down.gradient[along.clone()].iter_mut().enumerate() {
            *of_filter += dot(simd, d_half, &plane[b * width..(b + 1) * width]);
        }
        if let Some(d_plane) = &mut d_plane {
            for (filter, d_pixels) in down.filters[along].iter().zip(d_plane.chunks_exact_mut(width)) {
                add_scaled(simd, *filter, d_half, d_pixels);
            }
        }
    }
    d_log_intensity
}

struct Writing<'a> {
    /// `[C, N, N]`
    patch: &'a [f32],
    window: &'a [f32],
    /// `[C, height, width]`
    canvas: &'a mut [f32],
}

impl Row for Writing<'_> {
    #[inline(always)]
    fn run<S: Simd>(self, simd: S, work: &mut Work) {
        let Self { patch, window, canvas } = self;
        let placed = work.place(simd, window);
        let grid = work.grid;
        let planes = canvas.chunks_exact_mut(grid.height * grid.width);
        for (patch, plane) in patch.chunks_exact(grid.filters * grid.filters).zip(planes) {
            widen(simd, work, patch, placed.intensity);
            for (b, pixels) in plane.chunks_exact_mut(grid.width).enumerate() {
                for (half, filter) in work.half.chunks_exact(grid.width).zip(work.down.rows()) {
                    add_scaled(simd, filter[b], half, pixels);
                }
            }
        }
    }
}

/// `half = 1/γ w F_X` of one channel's patch.
#[inline(always)]
fn widen<S: Simd>(simd: S, work: &mut Work, patch: &[f32], intensity: f32) {
    let Work { grid, across, half, .. } = work;
    half.fill(0.0);
    for (half, patch) in half.chunks_exact_mut(grid.width).zip(patch.chunks_exact(grid.filters)) {
        for (number, filter) in patch.iter().zip(across.rows()) {
            add_scaled(simd, number / intensity, filter, half);
        }
    }
}

struct WritingBack<'a> {
    patch: &'a [f32],
    window: &'a [f32],
    /// `[C, height, width]`: the gradient of the canvas.
    d: &'a [f32],
    d_patch: &'a mut [f32],
    d_window: &'a mut [f32],
}

impl Row for WritingBack<'_> {
    #[inline(always)]
    fn run<S: Simd>(self, simd: S, work: &mut Work) {
        let Self { patch, window, d, d_patch, d_window } = self;
        let placed = work.place(simd, window);
        let grid = work.grid;
        let (width, square) = (grid.width, grid.filters * grid.filters);
        let mut d_log_intensity = 0.0;
        let patches = patch.chunks_exact(square).zip(d_patch.chunks_exact_mut(square));
        for ((patch, d_patch), d) in patches.zip(d.chunks_exact(grid.height * width)) {
            widen(simd, work, patch, placed.intensity);
            let Work { across, down, half, d_half, .. } = &mut *work;
            d_half.fill(0.0);
            for (j, (half, d_half)) in half.chunks_exact(width).zip(d_half.chunks_exact_mut(width)).enumerate() {
                let along = j * grid.height..(j + 1) * grid.height;
                let filters = down.filters[along.clone()].iter().zip(&mut down.gradient[along]);
                for ((filter, of_filter), d) in filters.zip(d.chunks_exact(width)) {
                    add_scaled(simd, *filter, d, d_half);
                    *of_filter += dot(simd, half, d);
                }
            }
            let rows = patch.chunks_exact(grid.filters).zip(d_patch.chunks_exact_mut(grid.filters));
            for ((patch, d_patch), d_half) in rows.zip(d_half.chunks_exact(width)) {
                let filters = across.filters.chunks_exact(width).zip(across.gradient.chunks_exact_mut(width));
                for ((number, d_number), (filter, of_filter)) in patch.iter().zip(d_patch).zip(filters) {
                    *d_number = dot(simd, filter, d_half) / placed.intensity;
                    d_log_intensity -= number * *d_number;
                    add_scaled(simd, number / placed.intensity, d_half, of_filter);
                }
            }
        }
        work.differentiate(&placed, d_log_intensity, d_window);
    }
}

/// `y += factor x`.
#[inline(always)]
fn add_scaled<S: Simd>(simd: S, factor: f32, x: &[f32], y: &mut [f32]) {
    update(simd, AddScaled(factor), [x], [y]);
}

/// `x · y`.
#[inline(always)]
fn dot<S: Simd>(simd: S, x: &[f32], y: &[f32]) -> f32 {
    let ((x, x_rest), (y, y_rest)) = (S::as_simd_f32s(x), S::as_simd_f32s(y));
    let mut sum = simd.splat_f32s(0.0);
    for (x, y) in x.iter().zip(y) {
        sum = simd.mul_add_e_f32s(*x, *y, sum);
    }
    sum = simd.mul_add_e_f32s(simd.partial_load_f32s(x_rest), simd.partial_load_f32s(y_rest), sum);
    simd.reduce_sum_f32s(sum)
}

#[derive(Clone, Copy)]
struct AddScaled(f32);

impl Lanewise<1, 1> for AddScaled {
    #[inline(always)]
    fn step<S: Simd>(self, simd: S, [x]: [S::f32s; 1], [y]: [S::f32s; 1]) -> [S::f32s; 1] {
        [simd.mul_add_e_f32s(x, simd.splat_f32s(self.0), y)]
    }
}

/// `σ(c)` and `x - σ(c)`.
#[derive(Clone, Copy)]
struct Drawn;

impl Lanewise<2, 2> for Drawn {
    #[inline(always)]
    fn step<S: Simd>(self, simd: S, [x, canvas]: [S::f32s; 2], _: [S::f32s; 2]) -> [S::f32s; 2] {
        let drawn = activation::sigmoid(simd, canvas);
        [drawn, simd.sub_f32s(x, drawn)]
    }
}

/// The gradient of `c` from `σ(c)` and the gradient of `x - σ(c)`.
#[derive(Clone, Copy)]
struct OfDrawn;

impl Lanewise<2, 1> for OfDrawn {
    #[inline(always)]
    fn step<S: Simd>(self, simd: S, [drawn, d]: [S::f32s; 2], _: [S::f32s; 1]) -> [S::f32s; 1] {
        [simd.neg_f32s(simd.mul_f32s(d, activation::sigmoid_slope(simd, drawn)))]
    }
}
