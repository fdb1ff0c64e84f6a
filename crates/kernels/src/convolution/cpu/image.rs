//! An image, laid out so that what a kernel reads for neighbouring places of the output lies side by side.
//!
//! A plane gets its padding, and with a stride `s` each row is cut into `s` phases: first every `s`-th column from 0 on, then
//! every `s`-th from 1 on, and so forth. A tap of the kernel then reads the places of an output row from neighbouring columns
//! of one phase.

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

/// Pixels of one row of a plane, `stride` apart, that lie side by side when it is laid out.
struct Part {
    row: usize,
    column: usize,
    len: usize,
    /// Where they lie.
    at: usize,
}

/// Neighbouring places in a row of the output.
#[derive(Clone, Copy, Debug)]
pub(super) struct Run {
    /// The image's number.
    pub image: usize,
    /// The first place in the output plane.
    pub place: usize,
    pub len: usize,
    /// Where the run begins among the places that were asked for.
    pub at: usize,
    /// What the first tap reads for the first place, within a laid out plane.
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

    /// Numbers of an output plane.
    pub fn places(&self) -> usize {
        self.output[0] * self.output[1]
    }

    /// Numbers of an input plane.
    pub fn pixels(&self) -> usize {
        self.size[0] * self.size[1]
    }

    /// Numbers that a kernel reads of a plane.
    pub fn taps(&self) -> usize {
        self.kernel[0] * self.kernel[1]
    }

    /// Columns of a phase.
    fn phase(&self) -> usize {
        self.output[1] + (self.kernel[1] - 1) / self.stride
    }

    /// Numbers of a row that is laid out.
    fn row(&self) -> usize {
        self.stride * self.phase()
    }

    /// Numbers of a plane that is laid out.
    pub fn plane(&self) -> usize {
        ((self.output[0] - 1) * self.stride + self.kernel[0]) * self.row()
    }

    /// From the first number that a place reads of a plane to each of them.
    pub fn taps_from_first(&self) -> Vec<usize> {
        let [tall, wide] = self.kernel;
        let (row, phase, stride) = (self.row(), self.phase(), self.stride);
        let offset = |u: usize, v: usize| u * row + v % stride * phase + v / stride;
        (0..tall).flat_map(|u| (0..wide).map(move |v| offset(u, v))).collect()
    }

    /// What the first tap reads for the first place of each output row.
    pub fn row_starts(&self) -> impl Iterator<Item = usize> + use<> {
        (0..self.output[0]).map({
            let step = self.stride * self.row();
            move |row| row * step
        })
    }

    /// The runs of `count` places, the `first` of them counted through the images.
    pub fn runs(&self, first: usize, count: usize, runs: &mut Vec<Run>) {
        runs.clear();
        let (places, width) = (self.places(), self.output[1]);
        let mut at = 0;
        while at < count {
            let (image, place) = ((first + at) / places, (first + at) % places);
            let (row, column) = (place / width, place % width);
            let len = (width - column).min(count - at);
            runs.push(Run { image, place, len, at, from: row * self.stride * self.row() + column });
            at += len;
        }
    }

    /// Lays a plane out.
    #[inline(always)]
    pub fn lay_out(&self, plane: &[f32], to: &mut [f32]) {
        to.fill(0.0);
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

    /// Sets a plane to what was laid out, without the padding. A pixel that no place reads gets 0.
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
        let [top, left] = self.before;
        let rows = self.plane() / self.row();
        for row in 0..self.size[0].min(rows.saturating_sub(top)) {
            for phase in 0..self.stride {
                // Columns of the phase that are padding.
                let skipped = left.saturating_sub(phase).div_ceil(self.stride);
                let column = skipped * self.stride + phase - left;
                let len =
                    self.size[1].saturating_sub(column).div_ceil(self.stride).min(self.phase().saturating_sub(skipped));
                let at = (row + top) * self.row() + phase * self.phase() + skipped;
                if len > 0 {
                    action(Part { row, column, len, at });
                }
            }
        }
    }
}
