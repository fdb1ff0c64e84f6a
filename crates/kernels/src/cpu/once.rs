//! Matrices that several operations multiply by, packed once for all of them.

use std::{
    any::Any,
    fmt,
    sync::{Arc, OnceLock},
};

use burn::backend::tensor::FloatTensor;

use super::tensors::CpuBackend;

/// The direction of a product: each packs the matrix differently.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Pass {
    Forward,
    Backward,
}

/// What is packed of a matrix, for each [`Pass`].
pub(crate) struct Once<P>([OnceLock<Packed<P>>; 2]);

struct Packed<P> {
    /// A matrix that this owns cannot change, nor can another have its memory.
    matrix: Box<dyn Any + Send + Sync>,
    packed: Arc<P>,
}

impl<P> Once<P> {
    /// What `pack` makes of the contiguous `matrix`, or made of it before. Another matrix than the first is packed each
    /// time.
    pub fn get<B: CpuBackend>(&self, pass: Pass, matrix: &FloatTensor<B>, pack: impl FnOnce(&[f32]) -> P) -> Arc<P> {
        let mut pack = Some(pack);
        let mut pack = || Arc::new((pack.take().expect("a matrix is packed at most once"))(B::slice(matrix)));
        let known = self.0[pass as usize].get_or_init(|| Packed { matrix: Box::new(matrix.clone()), packed: pack() });
        let same = known.matrix.downcast_ref::<FloatTensor<B>>().is_some_and(|known| {
            let [known, matrix] = [known, matrix].map(B::slice);
            std::ptr::eq(known, matrix)
        });
        if same { known.packed.clone() } else { pack() }
    }
}

impl<P> Default for Once<P> {
    fn default() -> Self {
        Self(Default::default())
    }
}

impl<P> fmt::Debug for Once<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Once({:?})", self.0.each_ref().map(|packed| packed.get().is_some()))
    }
}
