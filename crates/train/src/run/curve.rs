//! A curve of bounded size: its lowest and highest points stay, however long it becomes.

use serde::Serialize;

/// The most buckets of a curve.
const BUCKETS: usize = 1024;

/// A value at a time of the training.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// Steps done.
    pub step: u64,
    /// Epochs done.
    pub epoch: f64,
    /// Seconds of training; not a number if unknown.
    pub seconds: f64,
    /// The value.
    pub value: f64,
}

/// `[step, epoch, seconds, value]`; seconds are null if unknown.
impl Serialize for Point {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let seconds = Some(self.seconds).filter(|seconds| seconds.is_finite());
        (self.step, self.epoch, seconds, self.value).serialize(serializer)
    }
}

impl Point {
    /// Whether it is the same point, even if its time is unknown.
    fn is(&self, other: &Self) -> bool {
        (self.step, self.value) == (other.step, other.value)
    }
}

/// Adjacent points, of which the lowest and the highest are kept.
#[derive(Clone, Copy, Debug)]
struct Bucket {
    low: Point,
    high: Point,
}

impl Bucket {
    fn of(point: Point) -> Self {
        Self { low: point, high: point }
    }

    fn merged(self, other: Self) -> Self {
        let low = if other.low.value < self.low.value { other.low } else { self.low };
        let high = if other.high.value > self.high.value { other.high } else { self.high };
        Self { low, high }
    }

    /// The kept points, in the order of the steps.
    fn points(self) -> impl Iterator<Item = Point> {
        let [first, second] =
            if self.low.step <= self.high.step { [self.low, self.high] } else { [self.high, self.low] };
        std::iter::once(first).chain((!first.is(&second)).then_some(second))
    }
}

/// A curve that grows by single points and keeps at most about two thousand of them.
#[derive(Clone, Debug, Default)]
pub struct Curve {
    buckets: Vec<Bucket>,
    /// Points of a full bucket, and those in the last one.
    size: usize,
    filled: usize,
    last: Option<Point>,
}

impl Curve {
    /// Adds a point. One whose value is not finite is left out.
    pub fn push(&mut self, point: Point) {
        if !point.value.is_finite() {
            return;
        }
        self.last = Some(point);
        self.size = self.size.max(1);
        match self.buckets.last_mut().filter(|_| self.filled < self.size) {
            Some(bucket) => *bucket = bucket.merged(Bucket::of(point)),
            None => {
                if self.buckets.len() == BUCKETS {
                    self.buckets = self.buckets.chunks(2).map(merged).collect();
                    self.size *= 2;
                }
                self.buckets.push(Bucket::of(point));
                self.filled = 0;
            }
        }
        self.filled += 1;
    }

    /// At most about `most` points, in order: the lowest and the highest of adjacent ones, and the last.
    pub fn points(&self, most: usize) -> Vec<Point> {
        let group = self.buckets.len().div_ceil((most / 2).max(1)).max(1);
        // Few points are all returned.
        let group = if self.size <= 1 && self.buckets.len() <= most { 1 } else { group };
        let mut points: Vec<Point> = self.buckets.chunks(group).flat_map(|part| merged(part).points()).collect();
        points.extend(self.last.filter(|last| !points.last().is_some_and(|point| point.is(last))));
        points
    }
}

/// The bucket of the points of several.
fn merged(buckets: &[Bucket]) -> Bucket {
    buckets[1..].iter().fold(buckets[0], |all, bucket| all.merged(*bucket))
}

#[cfg(test)]
mod tests;
