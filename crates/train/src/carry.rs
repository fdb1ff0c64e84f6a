//! What one batch hands to the next.

use burn::tensor::{Device, TensorData};
use rekindle_models::frame_tagger::TaggerState;
use rekindle_rnn::State;

/// What one batch hands to the next: the hidden state of a model whose sequences go on, `()` for others.
pub trait Carry: Clone {
    /// The same values, cut off from the graph that made them: back-propagation through time stops here.
    fn detach(self) -> Self;

    /// The values, for a checkpoint.
    fn to_data(&self) -> Vec<TensorData>;

    /// The carry whose [`to_data`](Self::to_data) gave `data`, where that says all. None when it does not, or is not a carry:
    /// see [`Task::restore_carry`](crate::task::Task::restore_carry).
    fn from_data(data: Vec<TensorData>, device: &Device) -> Option<Self> {
        let _ = (data, device);
        None
    }
}

impl Carry for State {
    fn detach(self) -> Self {
        State::detach(self)
    }

    fn to_data(&self) -> Vec<TensorData> {
        State::to_data(self)
    }
}

impl Carry for TaggerState {
    fn detach(self) -> Self {
        TaggerState::detach(self)
    }

    fn to_data(&self) -> Vec<TensorData> {
        TaggerState::to_data(self)
    }
}

/// For models that may have no state.
impl<C: Carry> Carry for Option<C> {
    fn detach(self) -> Self {
        self.map(C::detach)
    }

    fn to_data(&self) -> Vec<TensorData> {
        self.as_ref().map(C::to_data).unwrap_or_default()
    }
}

impl Carry for () {
    fn detach(self) {}

    fn to_data(&self) -> Vec<TensorData> {
        Vec::new()
    }

    fn from_data(data: Vec<TensorData>, _device: &Device) -> Option<Self> {
        data.is_empty().then_some(())
    }
}
