//! Values that belong to one epoch, such as its order of batches.

/// A value per epoch, with the latest one cached.
#[derive(Clone, Debug)]
pub struct OfEpoch<T>(Option<(u64, T)>);

impl<T> Default for OfEpoch<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<T> OfEpoch<T> {
    /// The value of `epoch`; `make` computes it unless it is the cached one.
    pub fn get(&mut self, epoch: u64, make: impl FnOnce(u64) -> T) -> &mut T {
        let known = self.0.take().filter(|(of, _)| *of == epoch);
        &mut self.0.insert(known.unwrap_or_else(|| (epoch, make(epoch)))).1
    }
}
