//! What the units of a model do while it reads.

use burn::tensor::Tensor;
use rekindle_models::host::{DeviceError, numbers};
use rekindle_rnn::LayerTrace;
use serde::Serialize;

use super::features::Feature;

/// Below this a gate is left-saturated, and above the other right-saturated: Karpathy, Johnson and Fei-Fei 2015
/// (arXiv 1506.02078), section 4.2.
const SATURATED: (f32, f32) = (0.1, 0.9);

/// The activations of a model over what it read.
#[derive(Clone, Debug, Serialize)]
pub struct Activations {
    /// The name of what was read.
    pub source: String,
    /// The unit of time steps, in the plural: "characters", "words", "frames".
    pub unit: &'static str,
    /// What was read at each time step, as text.
    pub tokens: Vec<String>,
    /// The time steps at which a sequence of its own begins; the first is 0.
    pub starts: Vec<usize>,
    /// The features of each time step.
    pub features: Vec<Feature>,
    /// Hidden and cell states, by layer and direction.
    pub series: Vec<Series>,
    /// How often the gates are saturated.
    pub gates: Vec<Saturation>,
}

/// The hidden or the cell states of a layer in one direction.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Series {
    /// The layer, counted from 0.
    pub layer: usize,
    /// Whether the layer reads in reverse.
    pub reverse: bool,
    /// `h` or `c`.
    pub state: &'static str,
    /// The values of each unit, `H` times `[T]`.
    pub units: Vec<Vec<f32>>,
}

/// How often the units of a gate are saturated, as shares of the time steps.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Saturation {
    /// The layer, counted from 0.
    pub layer: usize,
    /// Whether the layer reads in reverse.
    pub reverse: bool,
    /// The gate's letter.
    pub gate: &'static str,
    /// For each unit, the share of time steps at which the gate is below 0.1: closed.
    pub left: Vec<f64>,
    /// The share at which it is above 0.9: open.
    pub right: Vec<f64>,
}

impl Series {
    /// A short name of a unit: `layer 1 c 17`, `layer 0 reverse h 3`.
    pub fn unit_name(&self, unit: usize) -> String {
        format!("{} {unit}", self.name())
    }

    /// A short name: `layer 1 c`, `layer 0 reverse h`.
    pub fn name(&self) -> String {
        series_name(self.layer, self.reverse, self.state)
    }
}

/// The name of the hidden or the cell states of a layer: `layer 1 c`.
pub(crate) fn series_name(layer: usize, reverse: bool, state: &str) -> String {
    format!("{} {state}", layer_name(layer, reverse))
}

/// The name of a layer: `layer 0`, or `layer 0 reverse`.
pub(crate) fn layer_name(layer: usize, reverse: bool) -> String {
    format!("layer {layer}{}", if reverse { " reverse" } else { "" })
}

impl Saturation {
    /// The name of the gate: `layer 1 f`.
    pub fn name(&self) -> String {
        format!("{} {}", layer_name(self.layer, self.reverse), self.gate)
    }

    /// The mean shares over all units, left and right.
    pub fn mean(&self) -> (f64, f64) {
        let mean = |shares: &[f64]| shares.iter().sum::<f64>() / shares.len().max(1) as f64;
        (mean(&self.left), mean(&self.right))
    }
}

/// Collects activations, sequence by sequence and chunk by chunk.
#[derive(Debug, Default)]
pub struct Recorder {
    steps: usize,
    series: Vec<Series>,
    gates: Vec<Saturation>,
}

impl Recorder {
    /// Adds the activations of the next time steps of one sequence, with `B = 1`.
    ///
    /// # Errors
    ///
    /// When the device fails.
    ///
    /// # Panics
    ///
    /// When the layers are not those of the call before.
    pub fn add(&mut self, layers: Vec<LayerTrace>) -> Result<(), DeviceError> {
        let (mut series, mut gates) = (0, 0);
        let mut time = 0;
        for LayerTrace { layer, reverse, trace } in layers {
            time = trace.hidden.dims()[0];
            for (state, values) in [("h", Some(trace.hidden)), ("c", trace.cell)] {
                let Some(values) = values else { continue };
                let units = by_unit(values)?;
                match self.series.get_mut(series) {
                    Some(known) => known.units.iter_mut().zip(units).for_each(|(known, unit)| known.extend(unit)),
                    None => self.series.push(Series { layer, reverse, state, units }),
                }
                series += 1;
            }
            for gate in trace.gates.into_iter().filter(|gate| gate.is_gate) {
                let units = by_unit(gate.values)?;
                if self.gates.len() == gates {
                    let (left, right) = (vec![0.0; units.len()], vec![0.0; units.len()]);
                    self.gates.push(Saturation { layer, reverse, gate: gate.name, left, right });
                }
                let known = &mut self.gates[gates];
                let count = |unit: &[f32], is: fn(f32) -> bool| unit.iter().filter(|value| is(**value)).count() as f64;
                for (unit, values) in units.iter().enumerate() {
                    known.left[unit] += count(values, |value| value < SATURATED.0);
                    known.right[unit] += count(values, |value| value > SATURATED.1);
                }
                gates += 1;
            }
        }
        self.steps += time;
        Ok(())
    }

    /// The activations, with what was read.
    ///
    /// # Panics
    ///
    /// When there are not as many tokens, or values of a feature, as time steps.
    pub fn finish(
        mut self,
        source: String,
        unit: &'static str,
        tokens: Vec<String>,
        starts: Vec<usize>,
        features: Vec<Feature>,
    ) -> Activations {
        assert_eq!(tokens.len(), self.steps, "a token is wanted for each time step");
        assert!(features.iter().all(|feature| feature.values.len() == self.steps), "a value for each time step");
        for share in self.gates.iter_mut().flat_map(|gate| gate.left.iter_mut().chain(&mut gate.right)) {
            *share /= self.steps.max(1) as f64;
        }
        Activations { source, unit, tokens, starts, features, series: self.series, gates: self.gates }
    }
}

/// `[T, 1, H]` to `H` times `[T]`.
fn by_unit(values: Tensor<3>) -> Result<Vec<Vec<f32>>, DeviceError> {
    let [time, batch, width] = values.dims();
    assert_eq!(batch, 1, "one sequence is recorded at a time");
    let values = numbers(values)?;
    Ok((0..width).map(|unit| (0..time).map(|t| values[t * width + unit]).collect()).collect())
}
