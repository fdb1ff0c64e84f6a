//! State carried from one batch to the next.

use burn::tensor::{Device, TensorData};
use rekindle_models::frame_tagger::TaggerState;
use rekindle_rnn::State;

/// State carried from one batch to the next: the hidden state of a stateful model, `()` for others.
pub trait Carry: Clone {
    /// Detaches the state from the autodiff graph: back-propagation through time stops here.
    fn detach(self) -> Self;

    /// The values, for a checkpoint.
    fn to_data(&self) -> Vec<TensorData>;

    /// Rebuilds the carry from the `data` of [`to_data`](Self::to_data). None if `data` is not enough or does not fit:
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

/// For models that may be stateless.
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
