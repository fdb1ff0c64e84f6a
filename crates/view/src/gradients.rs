//! A picture of how far gradients reach, in one run or in several.

use rekindle_train::inside::{Flow, GradientFlow};

use crate::chart::{Chart, Line, stacked};

/// The norm of `∂L_T/∂h_t` by the distance `T - t`: a chart of the models as they start and one as they are. Each run
/// has a name and a colour, and each layer its dashes. A single run has a colour for each layer, and dashes for its
/// cell states.
pub fn gradient_chart(runs: &[(String, GradientFlow)]) -> String {
    let chart = |title: &str, of: fn(&GradientFlow) -> &Flow| {
        let alone = runs.len() == 1;
        let lines = runs.iter().enumerate().flat_map(|(index, (name, flow))| {
            let shown = of(flow).reach.iter().filter(move |reach| alone || reach.state == "h");
            shown.map(move |reach| {
                let points = reach.norms.iter().enumerate().map(|(distance, norm)| (distance as f64, *norm));
                let half = reach.half_life.map_or("no decay".to_owned(), |half| format!("half-life {}", steps(half)));
                let name = if alone { reach.name() } else { format!("{name}, layer {}", reach.layer) };
                let (colour, dash) =
                    if alone { (reach.layer, usize::from(reach.state == "c")) } else { (index, reach.layer) };
                Line { colour, dash, ..Line::new(format!("{name}: {half}"), points) }
            })
        });
        Chart {
            title: title.to_owned(),
            x: "distance T − t in time steps".to_owned(),
            y: "norm of ∂L_T/∂h_t".to_owned(),
            log_y: true,
            lines: lines.collect(),
        }
    };
    stacked(&[chart("Gradients at the start", |flow| &flow.start), chart("Gradients as trained", |flow| &flow.trained)])
}

/// A number of time steps: two digits after the point where they say something.
pub fn steps(count: f64) -> String {
    if count < 100.0 { format!("{count:.2}") } else { format!("{count:.0}") }
}

#[cfg(test)]
mod tests;
