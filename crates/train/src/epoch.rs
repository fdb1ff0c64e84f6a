//! What belongs to one epoch, such as its order of batches.

/// A value for each epoch, of which the last one made is kept.
#[derive(Clone, Debug)]
pub struct OfEpoch<T>(Option<(u64, T)>);

impl<T> Default for OfEpoch<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<T> OfEpoch<T> {
    /// What belongs to `epoch`: it is made when an epoch is asked for that is not the last one.
    pub fn get(&mut self, epoch: u64, make: impl FnOnce(u64) -> T) -> &mut T {
        let known = self.0.take().filter(|(of, _)| *of == epoch);
        &mut self.0.insert(known.unwrap_or_else(|| (epoch, make(epoch)))).1
    }
}
