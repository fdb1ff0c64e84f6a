//! The statistics of a recording.

use std::collections::VecDeque;

use super::super::standardization::CONSTANT;

/// The statistics of all features of a recording.
#[derive(Clone, Debug)]
pub(super) enum Recording {
    Running { frames: f64, features: Vec<Moments> },
    Robust(Vec<Window>),
    Whole(Vec<Whole>),
}

impl Recording {
    /// Means and deviations of `width` features.
    pub(super) fn running(width: usize) -> Self {
        Self::Running { frames: 0.0, features: vec![Moments::default(); width] }
    }

    /// Medians and median absolute deviations of `width` features.
    pub(super) fn robust(width: usize) -> Self {
        Self::Robust(vec![Window::default(); width])
    }

    /// Means and deviations of all frames `[T, F]`, but for outliers.
    pub(super) fn whole(values: &[f32], width: usize) -> Self {
        let feature = |feature: usize| Whole::of(values[feature..].iter().copied().step_by(width));
        Self::Whole((0..width).map(feature).collect())
    }

    /// Normalises the next frame `[F]` in place, by the statistics up to it or of all frames.
    pub(super) fn normalize(&mut self, frame: &mut [f32]) {
        match self {
            Self::Running { frames, features } => {
                *frames += 1.0;
                frame.iter_mut().zip(features).for_each(|(x, moments)| *x = moments.push(*x, *frames));
            }
            Self::Whole(features) => frame.iter_mut().zip(features).for_each(|(x, whole)| *x = whole.normalize(*x)),
            Self::Robust(windows) => frame.iter_mut().zip(windows).for_each(|(x, window)| *x = window.push(*x)),
        }
    }
}

/// The mean and the sum of squared differences from it, updated value by value (Welford 1962).
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Moments {
    mean: f64,
    squares: f64,
    largest: f64,
}

impl Moments {
    /// Adds `x`, the value number `count`, and normalises it. The result is below the root of `count`.
    fn push(&mut self, x: f32, count: f64) -> f32 {
        let x = f64::from(x);
        let before = x - self.mean;
        self.mean += before / count;
        self.squares += before * (x - self.mean);
        self.largest = self.largest.max(x.abs());
        normalized(x - self.mean, (self.squares / count).sqrt(), self.largest)
    }
}

/// The values of the last frames, at most.
const WINDOW: usize = 4096;

/// From the median absolute deviation and the mean absolute deviation to the deviation of a normal distribution:
/// `1 / Φ⁻¹(3/4)` and `√(π/2)`.
const FROM_MEDIAN: f64 = 1.482_602_218_505_602;
const FROM_MEAN: f64 = 1.253_314_137_315_500_3;

/// The last values of a feature.
#[derive(Clone, Debug, Default)]
pub(super) struct Window {
    /// In the order of time.
    values: VecDeque<f32>,
    /// In ascending order.
    sorted: Vec<f32>,
}

impl Window {
    /// Adds `x` and normalises it.
    fn push(&mut self, x: f32) -> f32 {
        if self.values.len() == WINDOW
            && let Some(oldest) = self.values.pop_front()
        {
            self.sorted.remove(self.place(oldest));
        }
        self.values.push_back(x);
        self.sorted.insert(self.place(x), x);
        let (median, spread) = self.centre();
        normalized(f64::from(x) - median, spread, median.abs())
    }

    /// The median and the spread.
    fn centre(&self) -> (f64, f64) {
        let median = self.median();
        let mut spread = FROM_MEDIAN * self.median_deviation(median);
        if spread <= CONSTANT * median.abs() {
            let sum: f64 = self.sorted.iter().map(|&x| (f64::from(x) - median).abs()).sum();
            spread = FROM_MEAN * sum / self.sorted.len() as f64;
        }
        (median, spread)
    }

    /// The place of the first value that is not below `x`. `total_cmp` would tell -0 from 0.
    fn place(&self, x: f32) -> usize {
        self.sorted.partition_point(|&y| y < x)
    }

    fn median(&self) -> f64 {
        let middle = |place: usize| f64::from(self.sorted[place]);
        let count = self.sorted.len();
        (middle((count - 1) / 2) + middle(count / 2)) / 2.0
    }

    /// The median of the distances to `median`.
    fn median_deviation(&self, median: f64) -> f64 {
        let count = self.sorted.len();
        (self.nearest(count.div_ceil(2), median) + self.nearest(count / 2 + 1, median)) / 2.0
    }

    /// The distance to `median` of the value that is number `count` by it, from 1. The `count` nearest values are
    /// neighbours in order.
    fn nearest(&self, count: usize, median: f64) -> f64 {
        let distance = |place: usize| (f64::from(self.sorted[place]) - median).abs();
        let (mut low, mut high) = (0, self.sorted.len() - count);
        while low < high {
            let first = usize::midpoint(low, high);
            let (below, above) =
                (median - f64::from(self.sorted[first]), f64::from(self.sorted[first + count]) - median);
            if below > above { low = first + 1 } else { high = first }
        }
        distance(low).max(distance(low + count - 1))
    }
}

/// In the statistics of a whole recording, a value counts as at most so many spreads from the median, ...
const SPREADS: f64 = 20.0;
/// ... and after that as at most so many deviations from the mean ...
const DEVIATIONS: f64 = 4.0;
/// ... so many times. Without end, what happens seldom would be limited to nothing.
const TIMES: usize = 3;

/// The mean and the deviation of a feature over a whole recording.
#[derive(Clone, Copy, Debug)]
pub(super) struct Whole {
    mean: f64,
    deviation: f64,
    largest: f64,
}

impl Whole {
    /// Those of `values`. What is no finite number has no part in them.
    fn of(values: impl Iterator<Item = f32>) -> Self {
        let mut sorted: Vec<f32> = values.filter(|x| x.is_finite()).collect();
        if sorted.is_empty() {
            return Self { mean: 0.0, deviation: 0.0, largest: 0.0 };
        }
        sorted.sort_by(f32::total_cmp);
        let window = Window { values: VecDeque::new(), sorted };
        let (median, spread) = window.centre();
        let mut whole = Self::within(&window.sorted, median, SPREADS * spread);
        for _ in 0..TIMES {
            whole = Self::within(&window.sorted, whole.mean, DEVIATIONS * whole.deviation);
        }
        whole
    }

    /// Those of values that are at most `reach` from the `centre`, or count as so far from it.
    fn within(values: &[f32], centre: f64, reach: f64) -> Self {
        let differences = || values.iter().map(|&x| (f64::from(x) - centre).clamp(-reach, reach));
        let count = values.len() as f64;
        let mean = differences().sum::<f64>() / count;
        let squares: f64 = differences().map(|x| (x - mean).powi(2)).sum();
        let largest = differences().fold(0.0, |largest: f64, x| largest.max((centre + x).abs()));
        Self { mean: centre + mean, deviation: (squares / count).sqrt(), largest }
    }

    fn normalize(&self, x: f32) -> f32 {
        normalized(f64::from(x) - self.mean, self.deviation, self.largest)
    }
}

/// `difference / spread`; 0 where the spread is rounding error beside values of this magnitude.
fn normalized(difference: f64, spread: f64, magnitude: f64) -> f32 {
    if spread > CONSTANT * magnitude { (difference / spread) as f32 } else { 0.0 }
}
