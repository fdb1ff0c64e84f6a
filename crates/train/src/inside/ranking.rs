//! Which unit follows which feature: units find themselves.
//!
//! A unit is scored on a binary feature by the area under its ROC curve, exact by rank sums, and on a number by its
//! correlation. The strength of a score is comparable across features: `|2 AUC - 1|`, or `|r|`.

use rekindle_kernels::parallel;
use rekindle_metrics::association::{Ranks, correlation};
use serde::Serialize;

use super::activations::Activations;
use super::features::{Feature, Kind};

/// Units that are listed for a feature.
const LISTED: usize = 5;

/// How well a unit follows a feature.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Score {
    /// For a binary feature, the probability that the unit is higher at a time step with the feature than at one
    /// without; below 0.5 for a unit that is lower there.
    pub auc: Option<f64>,
    /// The correlation with the feature.
    pub correlation: f64,
}

impl Score {
    /// The larger of the AUC and that of the unit with the other sign; for a number, the size of the correlation.
    pub fn figure(&self) -> f64 {
        self.auc.map_or(self.correlation.abs(), |auc| auc.max(1.0 - auc))
    }

    /// From 0, which is chance, to 1.
    pub fn strength(&self) -> f64 {
        self.auc.map_or(self.correlation.abs(), |auc| (2.0 * auc - 1.0).abs())
    }

    /// Whether the unit is higher where the feature is.
    pub fn is_positive(&self) -> bool {
        self.auc.map_or(self.correlation, |auc| auc - 0.5) >= 0.0
    }
}

/// A unit with its score on a feature.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct UnitScore {
    /// Index of its series in [`Activations::series`].
    pub series: usize,
    /// Its index there.
    pub unit: usize,
    /// Its name: `layer 1 c 17`.
    pub name: String,
    /// The score.
    #[serde(flatten)]
    pub score: Score,
}

/// The best units for a feature.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FeatureRanking {
    /// The feature.
    pub feature: String,
    /// Its kind.
    pub kind: Kind,
    /// Time steps that have it.
    pub count: usize,
    /// The best units, the best first.
    pub units: Vec<UnitScore>,
}

/// The best feature of a unit.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct BestFeature {
    /// Index of the unit's series in [`Activations::series`].
    pub series: usize,
    /// Its index there.
    pub unit: usize,
    /// Its name.
    pub name: String,
    /// The feature; none if the unit, or all features, are constant.
    pub feature: Option<String>,
    /// The score on it.
    pub score: Option<Score>,
}

/// The best unit for each feature and the best feature of each unit.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Ranking {
    /// The features, the one that is followed best first.
    pub features: Vec<FeatureRanking>,
    /// The units, in the order of [`Activations::series`].
    pub units: Vec<BestFeature>,
}

/// A feature with the time steps at which it has a value, if not at all.
struct Scored<'a> {
    feature: &'a Feature,
    values: Vec<f32>,
    positive: Vec<bool>,
    places: Option<Vec<usize>>,
}

impl<'a> Scored<'a> {
    fn new(feature: &'a Feature) -> Self {
        let places: Vec<usize> = (0..feature.values.len()).filter(|&t| !feature.values[t].is_nan()).collect();
        let places = (places.len() < feature.values.len()).then_some(places);
        let values = picked(&feature.values, places.as_deref());
        let positive = values.iter().map(|value| *value > 0.5).collect();
        Self { feature, values, positive, places }
    }

    fn score(&self, unit: &[f32], ranks: &Ranks) -> Option<Score> {
        let own = picked(unit, self.places.as_deref());
        let correlation = correlation(&own, &self.values)?;
        let auc = match (self.feature.kind, &self.places) {
            (Kind::Number, _) => None,
            (Kind::Binary, None) => ranks.auc(&self.positive),
            (Kind::Binary, Some(_)) => Ranks::of(&own).auc(&self.positive),
        };
        Some(Score { auc, correlation })
    }
}

fn picked(values: &[f32], places: Option<&[usize]>) -> Vec<f32> {
    places.map_or_else(|| values.to_vec(), |places| places.iter().map(|&place| values[place]).collect())
}

impl Ranking {
    /// Scores every unit on every feature.
    pub fn of(activations: &Activations) -> Self {
        let features: Vec<Scored> = activations.features.iter().map(Scored::new).collect();
        let units = activations.series.iter().enumerate();
        let units: Vec<(usize, usize)> =
            units.flat_map(|(series, of)| (0..of.units.len()).map(move |unit| (series, unit))).collect();
        let score = |&(series, unit): &(usize, usize)| -> Vec<Option<Score>> {
            let values = &activations.series[series].units[unit];
            let ranks = Ranks::of(values);
            features.iter().map(|feature| feature.score(values, &ranks)).collect()
        };
        let scores: Vec<Vec<Option<Score>>> = parallel::on_host(&units, score);
        let name = |(series, unit): (usize, usize)| activations.series[series].unit_name(unit);
        let best_of = |(&(series, unit), scores): (&(usize, usize), &Vec<Option<Score>>)| {
            let found = features.iter().zip(scores).filter_map(|(feature, score)| Some((feature, (*score)?)));
            let best = found.max_by(|(_, a), (_, b)| a.strength().total_cmp(&b.strength()));
            BestFeature {
                series,
                unit,
                name: name((series, unit)),
                feature: best.as_ref().map(|(feature, _)| feature.feature.name.clone()),
                score: best.map(|(_, score)| score),
            }
        };
        let ranked = |(index, scored): (usize, &Scored)| {
            let mut found: Vec<UnitScore> = units
                .iter()
                .zip(&scores)
                .filter_map(|(&(series, unit), scores)| {
                    Some(UnitScore { series, unit, name: name((series, unit)), score: scores[index]? })
                })
                .collect();
            found.sort_by(|a, b| b.score.strength().total_cmp(&a.score.strength()));
            found.truncate(LISTED);
            let Feature { name, kind, .. } = scored.feature;
            FeatureRanking { feature: name.clone(), kind: *kind, count: scored.feature.count(), units: found }
        };
        let mut of_features: Vec<FeatureRanking> = features.iter().enumerate().map(ranked).collect();
        let strength = |ranking: &FeatureRanking| ranking.units.first().map_or(0.0, |unit| unit.score.strength());
        of_features.sort_by(|a, b| strength(b).total_cmp(&strength(a)));
        Self { features: of_features, units: units.iter().zip(&scores).map(best_of).collect() }
    }
}

#[cfg(test)]
mod tests;
