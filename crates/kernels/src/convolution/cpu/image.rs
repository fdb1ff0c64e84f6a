//! The layout of an image in which a kernel's inputs for adjacent output places are contiguous.
//!
//! A plane gets its padding, and with a stride `s` it is split into `s x s` phases: first the pixels of every `s`-th
//! row and column from 0 on, then those of every `s`-th column from 1 on, and so on. A tap of the kernel then reads
//! the inputs of an output row from adjacent columns of one phase, and those of the next output row from the next row.

use std::ops::Range;

use pulp::bytemuck;

/// The sizes of an image and of the kernel that moves over it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Image {
    size: [usize; 2],
    kernel: [usize; 2],
    stride: usize,
    /// Zeros above and to the left.
    before: [usize; 2],
    output: [usize; 2],
}

/// Pixels of one row of a plane, `stride` apart, that are contiguous in the layout.
struct Part {
    row: usize,
    column: usize,
    len: usize,
    /// Their position.
    at: usize,
}

impl Image {
    /// An image of `size`, `[rows, columns]`, with zeros before and after both.
    pub fn new(size: [usize; 2], kernel: [usize; 2], stride: usize, padding: [[usize; 2]; 2]) -> Self {
        let places = |axis: usize| (size[axis] + padding[axis][0] + padding[axis][1] - kernel[axis]) / stride + 1;
        Self { size, kernel, stride, before: padding.map(|[before, _]| before), output: [places(0), places(1)] }
    }

    /// Rows and columns of the output.
    pub fn output(&self) -> [usize; 2] {
        self.output
    }

    /// Size of an output plane.
    pub fn places(&self) -> usize {
        self.output[0] * self.output[1]
    }

    /// Size of an input plane.
    pub fn pixels(&self) -> usize {
        self.size[0] * self.size[1]
    }

    /// Number of taps of a kernel in a plane.
    pub fn taps(&self) -> usize {
        self.kernel[0] * self.kernel[1]
    }

    /// Whether the layout of a plane is the plane itself, and a place is a pixel.
    pub fn is_plain(&self) -> bool {
        self.taps() * self.stride == 1 && self.output == self.size
    }

    /// Rows or columns of a phase.
    fn phase(&self, axis: usize) -> usize {
        self.output[axis] + (self.kernel[axis] - 1) / self.stride
    }

    /// Elements of a row of the output in the layout: its inputs, and those that only the last taps read.
    pub fn row(&self) -> usize {
        self.phase(1)
    }

    /// Outputs of a plane if its rows are as far apart as in the layout.
    pub fn with_gaps(&self) -> usize {
        (self.output[0] - 1) * self.row() + self.output[1]
    }

    /// Elements of a plane in the layout.
    pub fn plane(&self) -> usize {
        self.stride * self.stride * self.phase(0) * self.phase(1)
    }

    /// The index of a padded pixel in the layout.
    fn index(&self, row: usize, column: usize) -> usize {
        let stride = self.stride;
        let ([row, below], [column, right]) = (divide(row, stride), divide(column, stride));
        ((below * stride + right) * self.phase(0) + row) * self.phase(1) + column
    }

    /// The offset of each tap's input from the first tap's.
    pub fn taps_from_first(&self) -> Vec<usize> {
        let [tall, wide] = self.kernel;
        (0..tall).flat_map(|u| (0..wide).map(move |v| self.index(u, v))).collect()
    }

    /// The first tap's input for the first place of each output row.
    pub fn row_starts(&self) -> impl Iterator<Item = usize> + use<> {
        let row = self.row();
        (0..self.output[0]).map(move |number| number * row)
    }

    /// The taps that read each phase, in order: the index of each, and the distance from its input for a place to the
    /// element of the same index as this place's first tap has in phase 0.
    pub fn taps_by_phase(&self) -> Vec<Vec<(usize, usize)>> {
        let (stride, [tall, wide]) = (self.stride, self.kernel);
        let taps = |phase: usize| {
            let rows = (phase / stride..tall).step_by(stride);
            let taps = rows.flat_map(move |u| (phase % stride..wide).step_by(stride).map(move |v| (u, v)));
            taps.map(|(u, v)| (u * wide + v, u / stride * self.row() + v / stride)).collect()
        };
        (0..stride * stride).map(taps).collect()
    }

    /// For each phase, the first element that is a pixel to one after the last, as indices in the layout.
    pub fn pixels_by_phase(&self) -> Vec<Range<usize>> {
        let size = self.phase(0) * self.phase(1);
        let mut ranges: Vec<_> = (0..self.stride * self.stride).map(|phase| phase * size..phase * size).collect();
        for Part { len, at, .. } in self.parts() {
            let range = &mut ranges[at / size];
            let start = if range.start == range.end { at } else { range.start.min(at) };
            *range = start..range.end.max(at + len);
        }
        ranges
    }

    /// Elements of a phase.
    pub fn phase_elements(&self) -> usize {
        self.phase(0) * self.phase(1)
    }

    /// Zeros that the layout of the output's gradients has before the first: as many as the last tap's distance.
    pub fn gradient_front(&self) -> usize {
        (self.kernel[0] - 1) / self.stride * self.row() + (self.kernel[1] - 1) / self.stride
    }

    /// Elements of a plane of these gradients, of which vectors of `lanes` may be read that end after the last.
    pub fn gradient_plane(&self, lanes: usize) -> usize {
        self.gradient_front() + self.phase_elements() + lanes
    }

    /// Copies a plane of the output's gradients to the layout in which a place has the same index as its first tap's
    /// input in the image's. The elements between rows, before the first and after the last must be 0 already.
    #[inline(always)]
    pub fn lay_out_gradient(&self, plane: &[f32], to: &mut [f32]) {
        let to = &mut to[self.gradient_front()..];
        for (from, to) in plane.chunks_exact(self.output[1]).zip(to.chunks_mut(self.row())) {
            copy(from, &mut to[..from.len()]);
        }
    }

    /// Copies a plane to the layout, whose padding must be 0 already: it stays as it is.
    #[inline(always)]
    pub fn lay_out(&self, plane: &[f32], to: &mut [f32]) {
        for Part { row, column, len, at } in self.parts() {
            let from = &plane[row * self.size[1]..][..self.size[1]];
            let to = &mut to[at..][..len];
            match (self.stride, column) {
                (1, _) => copy(&from[..len], to),
                (2, 0) => every_second::<0>(from, to),
                (2, _) => every_second::<1>(from, to),
                _ => to.iter_mut().zip(from[column..].iter().step_by(self.stride)).for_each(|(to, from)| *to = *from),
            }
        }
    }

    /// Copies a plane back from the layout, without the padding. A pixel that no place reads becomes 0.
    #[inline(always)]
    pub fn take_back(&self, from: &[f32], plane: &mut [f32]) {
        let ([rows, columns], width) = (self.read(), self.size[1]);
        if [rows, columns] != self.size {
            plane.fill(0.0);
        }
        if self.stride == 2 {
            for (row, to) in plane.chunks_exact_mut(width).enumerate().take(rows) {
                let phase = |column: usize| &from[self.index(row + self.before[0], column + self.before[1])..];
                let (even, odd) = (phase(0), if columns > 1 { phase(1) } else { &[] });
                interleave(&even[..columns.div_ceil(2)], &odd[..columns / 2], &mut to[..columns]);
            }
            return;
        }
        for Part { row, column, len, at } in self.parts() {
            for (to, from) in plane[row * width + column..].iter_mut().step_by(self.stride).zip(&from[at..][..len]) {
                *to = *from;
            }
        }
    }

    /// Rows and columns of pixels that a tap reads, from the first on.
    fn read(&self) -> [usize; 2] {
        [0, 1].map(|axis| {
            let reach = (self.output[axis] - 1) * self.stride + self.kernel[axis];
            self.size[axis].min(reach.saturating_sub(self.before[axis]))
        })
    }

    /// The parts of all rows. Loops over them must not be closures: see [`crate::cpu::lanes`].
    #[inline(always)]
    fn parts(&self) -> impl Iterator<Item = Part> {
        let (stride, [top, left], [rows, columns]) = (self.stride, self.before, self.read());
        let phases = stride.min(columns);
        (0..rows * phases).map(move |number| {
            let [row, column] = divide(number, phases);
            let [len, _] = divide(columns - column + stride - 1, stride);
            Part { row, column, len, at: self.index(row + top, column + left) }
        })
    }
}

/// The quotient and the remainder, for the usual strides without a slow division.
#[inline(always)]
fn divide(x: usize, by: usize) -> [usize; 2] {
    match by {
        1 => [x, 0],
        2 => [x / 2, x % 2],
        _ => [x / by, x % by],
    }
}

/// Copies a few elements, without the call that `copy_from_slice` is.
#[inline(always)]
pub(super) fn copy(from: &[f32], to: &mut [f32]) {
    let ((from, last), (to, rest)) = (from.as_chunks::<16>(), to.as_chunks_mut::<16>());
    for (to, from) in to.iter_mut().zip(from) {
        *to = *from;
    }
    let ((from, last), (to, rest)) = (last.as_chunks::<8>(), rest.as_chunks_mut::<8>());
    for (to, from) in to.iter_mut().zip(from) {
        *to = *from;
    }
    for (to, from) in rest.iter_mut().zip(last) {
        *to = *from;
    }
}

/// Copies every second element from the first or, with `FIRST` 1, from the second on.
#[inline(always)]
fn every_second<const FIRST: usize>(from: &[f32], to: &mut [f32]) {
    let ((blocks, _), (whole, rest)) = (from.as_chunks::<16>(), to.as_chunks_mut::<8>());
    let count = whole.len().min(blocks.len());
    for (to, from) in whole.iter_mut().zip(blocks) {
        *to = every_second_of::<FIRST>(*from);
    }
    debug_assert!(whole.len() <= count + 1, "a row has two elements for each of its phase, or one less");
    let last = whole[count..].as_flattened_mut().iter_mut().chain(rest);
    for (to, from) in last.zip(from[16 * count..].iter().skip(FIRST).step_by(2)) {
        *to = *from;
    }
}

/// Copies the elements of two slices in turn.
#[inline(always)]
fn interleave(even: &[f32], odd: &[f32], to: &mut [f32]) {
    let (whole, _) = to.as_chunks_mut::<16>();
    let count = whole.len();
    for ((to, even), odd) in whole.iter_mut().zip(even.as_chunks::<8>().0).zip(odd.as_chunks::<8>().0) {
        *to = in_turn(*even, *odd);
    }
    let rest = &mut to[16 * count..];
    for (to, from) in rest.iter_mut().step_by(2).zip(&even[8 * count..]) {
        *to = *from;
    }
    for (to, from) in rest.iter_mut().skip(1).step_by(2).zip(&odd[8 * count..]) {
        *to = *from;
    }
}

/// The shift of a pair's first or second element in the integer of 64 bits that is the pair.
const fn shift(second: bool) -> u32 {
    if second == cfg!(target_endian = "little") { 32 } else { 0 }
}

/// Every second of 16 elements. As integers, because the compiler has vector instructions for their halves.
#[inline(always)]
fn every_second_of<const FIRST: usize>(from: [f32; 16]) -> [f32; 8] {
    let (pairs, mut halves): ([u64; 8], _) = (bytemuck::cast(from), [0; 8]);
    for (half, pair) in halves.iter_mut().zip(pairs) {
        *half = (pair >> shift(FIRST == 1)) as u32;
    }
    bytemuck::cast(halves)
}

/// The opposite of [`every_second_of`].
#[inline(always)]
fn in_turn(even: [f32; 8], odd: [f32; 8]) -> [f32; 16] {
    let (even, odd): ([u32; 8], [u32; 8]) = (bytemuck::cast(even), bytemuck::cast(odd));
    let mut pairs = [0u64; 8];
    for (pair, (even, odd)) in pairs.iter_mut().zip(even.into_iter().zip(odd)) {
        *pair = u64::from(even) << shift(false) | u64::from(odd) << shift(true);
    }
    bytemuck::cast(pairs)
}
