//! Fine-tuning by depth: other learning rates for lower layers, and layers that train only later.
//!
//! ```text
//! η_d = η f^(D - d)          --layer-rate f: the rate of depth d
//! d trains from step (D - d) u on     --unfreeze-every u
//! ```
//!
//! Depth 0 is what stands before the recurrent layers (embeddings, an image encoder), depth `n` the `n`th recurrent
//! layer, counted from 1, and `D` what follows them. The embeddings of tied output weights have depth 0.
//!
//! Both are of Howard and Ruder 2018 (ULMFiT, arXiv 1801.06146), who divide the rate by 2.6 from layer to layer and
//! unfreeze one layer an epoch.

use std::collections::{BTreeMap, HashSet};

use burn::module::{Module, ModuleVisitor, Param, ParamGroup, ParamId};
use burn::optim::GradientsParams;
use burn::tensor::{Device, Tensor};
use rekindle_settings::settings;

settings! {
    /// How layers at other depths are trained.
    pub struct DepthSettings {
        /// Factor of the learning rate from each layer to the one below it, for fine-tuning; ULMFiT has 0.38
        layer_rate: f64 = 1.0 => value("FACTOR").above(0).at_most(1);
        /// Train only what is above the recurrent layers at first, and one layer below more every STEPS steps
        unfreeze_every: Option<u64> => value("STEPS").at_least(1).unset("all layers from the start");
    }
}

/// The parameters of a model by depth.
#[derive(Debug)]
pub(crate) struct Depths {
    settings: DepthSettings,
    by_depth: BTreeMap<usize, Vec<ParamId>>,
}

impl Depths {
    /// The depths of the parameters of `model`.
    pub fn of<M: Module>(settings: DepthSettings, model: &M) -> Self {
        let mut visitor = Places { path: Vec::new(), found: Vec::new() };
        model.visit(&mut visitor);
        let top = visitor.found.iter().filter_map(|(_, layer)| *layer).max().map_or(0, |deepest| deepest + 1);
        let lowest = visitor.found.iter().position(|(_, layer)| layer.is_some()).unwrap_or(0);
        let mut by_depth: BTreeMap<usize, Vec<ParamId>> = BTreeMap::new();
        for (place, (id, layer)) in visitor.found.into_iter().enumerate() {
            let depth = layer.unwrap_or(if place < lowest { 0 } else { top });
            by_depth.entry(depth).or_default().push(id);
        }
        Self { settings, by_depth }
    }

    fn top(&self) -> usize {
        self.by_depth.last_key_value().map_or(0, |(depth, _)| *depth)
    }

    /// The parameters of lower depths, with the factors of their learning rates.
    pub fn rates(&self, device: &Device) -> Vec<(ParamGroup, f64)> {
        // Burn makes groups of parameters from modules: here, of parameters that share nothing but their ids.
        let group = |ids: &[ParamId]| {
            let stand_in = |id: &ParamId| Param::initialized(*id, Tensor::<1>::zeros([1], device));
            ParamGroup::ids_from_module(ids.iter().map(stand_in).collect::<Vec<_>>())
        };
        let (factor, top) = (self.settings.layer_rate, self.top());
        let lower = self.by_depth.iter().filter(|(depth, _)| factor < 1.0 && **depth < top);
        lower.map(|(depth, ids)| (group(ids), factor.powi((top - depth) as i32))).collect()
    }

    /// The factor of the lowest layer's learning rate.
    pub fn lowest_rate(&self) -> f64 {
        let depth = self.by_depth.first_key_value().map_or(self.top(), |(depth, _)| *depth);
        self.settings.layer_rate.powi((self.top() - depth) as i32)
    }

    /// The gradients of the parameters that train in the step after `step`.
    pub fn unfrozen<M: Module>(&self, step: u64, model: &M, gradients: GradientsParams) -> GradientsParams {
        let Some(every) = self.settings.unfreeze_every else { return gradients };
        let (trained, top) = (step / every, self.top() as u64);
        let frozen = self.by_depth.iter().filter(|(depth, _)| (**depth as u64).saturating_add(trained) < top);
        let frozen: HashSet<ParamId> = frozen.flat_map(|(_, ids)| ids).copied().collect();
        if frozen.is_empty() {
            return gradients;
        }
        let mut drop = Drop { frozen, gradients };
        model.visit(&mut drop);
        drop.gradients
    }
}

/// The name of a network's list of layers, and the kind of container that it is in.
const LAYERS: (&str, &str) = ("layers", "Struct:Recurrent");

/// The recurrent layer of every parameter, counted from 1; none outside of them.
struct Places {
    path: Vec<(String, String)>,
    found: Vec<(ParamId, Option<usize>)>,
}

impl ModuleVisitor for Places {
    fn enter_module(&mut self, name: &str, container_type: &str) {
        self.path.push((name.to_owned(), container_type.to_owned()));
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let is_list = |(name, container): &(String, String)| (name.as_str(), container.as_str()) == LAYERS;
        let list = self.path.iter().position(is_list);
        let index = list.and_then(|list| self.path.get(list + 1)?.0.parse::<usize>().ok());
        self.found.push((param.id, index.map(|index| index + 1)));
    }
}

struct Drop {
    frozen: HashSet<ParamId>,
    gradients: GradientsParams,
}

impl ModuleVisitor for Drop {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if self.frozen.contains(&param.id) {
            self.gradients.remove::<D>(param.id);
        }
    }
}

#[cfg(all(test, feature = "flex"))]
mod tests;
