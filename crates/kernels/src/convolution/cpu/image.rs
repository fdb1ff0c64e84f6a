//! The layout of an image in which a kernel's inputs for adjacent output places are contiguous.
//!
//! A plane gets its padding, and with a stride `s` it is split into `s x s` phases: first the pixels of every `s`-th row
//! and column from 0 on, then those of every `s`-th column from 1 on, and so on. A tap of the kernel then reads the
//! inputs of an output row from adjacent columns of one phase, and those of the next output row from the next row.

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

/// Adjacent places of the output whose inputs are adjacent too.
#[derive(Clone, Copy, Debug)]
pub(super) struct Run {
    /// The index of the image.
    pub image: usize,
    /// The first place in the output plane.
    pub place: usize,
    pub len: usize,
    /// The offset of the run in the requested places.
    pub at: usize,
    /// The first tap's input for the first place, as an index in the layout.
    pub from: usize,
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
        let phase = row % stride * stride + column % stride;
        (phase * self.phase(0) + row / stride) * self.phase(1) + column / stride
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

    /// The runs of `count` places from `first` on, counted over all images.
    pub fn runs(&self, first: usize, count: usize, runs: &mut Vec<Run>) {
        runs.clear();
        let places = self.places();
        let width = if self.is_plain() { places } else { self.output[1] };
        let mut at = 0;
        while at < count {
            let (image, place) = ((first + at) / places, (first + at) % places);
            let (row, column) = (place / width, place % width);
            let len = (width - column).min(count - at);
            runs.push(Run { image, place, len, at, from: row * self.row() + column });
            at += len;
        }
    }

    /// Copies a plane to the layout, whose padding must be 0 already: it stays as it is.
    #[inline(always)]
    pub fn lay_out(&self, plane: &[f32], to: &mut [f32]) {
        self.each_part(|Part { row, column, len, at }| {
            let from = &plane[row * self.size[1] + column..];
            let to = &mut to[at..][..len];
            if self.stride == 1 {
                to.copy_from_slice(&from[..len]);
            } else {
                to.iter_mut().zip(from.iter().step_by(self.stride)).for_each(|(to, from)| *to = *from);
            }
        });
    }

    /// Copies a plane back from the layout, without the padding. A pixel that no place reads becomes 0.
    #[inline(always)]
    pub fn take_back(&self, from: &[f32], plane: &mut [f32]) {
        plane.fill(0.0);
        self.each_part(|Part { row, column, len, at }| {
            let to = &mut plane[row * self.size[1] + column..];
            to.iter_mut().step_by(self.stride).zip(&from[at..][..len]).for_each(|(to, from)| *to = *from);
        });
    }

    #[inline(always)]
    fn each_part(&self, mut action: impl FnMut(Part)) {
        let stride = self.stride;
        // Padded rows and columns that a tap reads.
        let reach = |axis: usize| (self.output[axis] - 1) * stride + self.kernel[axis];
        let [top, left] = self.before;
        let inside = |axis: usize, before: usize| self.size[axis].min(reach(axis).saturating_sub(before));
        let [rows, columns] = [inside(0, top), inside(1, left)];
        for row in 0..rows {
            for column in 0..stride.min(columns) {
                let len = (columns - column).div_ceil(stride);
                action(Part { row, column, len, at: self.index(row + top, column + left) });
            }
        }
    }
}
