//! The operations of a trained model.

use super::model::AddingModel;
use super::sequences::Sequences;
use super::task::{AddingTask, evaluate, predictions, seeds};
use crate::import::import;
use crate::inside::{Flow, SEQUENCES};
use crate::prelude::*;

settings! {
    /// Options of `eval`.
    pub struct EvalOptions {
        /// Time steps of the sequences to evaluate on
        length: Option<usize> => value("STEPS").at_least(2).unset("as in training");
    }
}

settings! {
    /// Options of `predict`.
    pub struct PredictOptions {}
}

settings! {
    /// Options of the playground.
    pub struct PlayOptions {
        /// Time steps of a sequence that is drawn
        length: Option<usize> => value("STEPS").at_least(2).at_most(10_000).unset("as in training");
        /// Seed; the same seed gives the same sequence
        seed: Option<u64> => at_least(0).unset("random");
    }
}

impl Operate for AddingTask {
    fn operations() -> Operations<Self> {
        Operations::default()
            .evaluate(eval)
            .predict(predict)
            .import(import::<Self>)
            .gradients(gradients)
            .together(|_, _| true)
            .onnx(|trained, opset| Ok(vec![trained.model.graph(opset)?]))
            .playground_without(
                Input::Text,
                "Numbers with a star after the two that are added: 0.3 0.5* 0.1 0.25*. Without them, some are drawn.",
                play,
            )
    }
}

type Adder = Trained<AddingTask>;

fn eval(trained: Adder, request: Evaluate, options: EvalOptions, _: &mut Output<'_>) -> Result<Report, TaskError> {
    let data = &trained.settings.data;
    let On::Split(split) = request.on else {
        return Err("--data: the sequences of this task are generated; choose a --split and a --length".into());
    };
    let count = split.of([data.sequences, data.held_out, data.held_out]);
    let seed = split.of(seeds(&trained.settings));
    let sequences = Sequences::generate(count, options.length.unwrap_or(data.length), seed, 0);
    evaluate(&trained.models(), &sequences, request.batch_size.unwrap_or(data.batch_size), &trained.device)
}

fn gradients(model: &AddingModel, trained: &Adder, request: &Observe) -> Result<Flow, TaskError> {
    if request.data.is_some() {
        return Err("--data: the sequences of this task are generated; choose a --distance".into());
    }
    let seed = Split::Validation.of(seeds(&trained.settings));
    let sequences = Sequences::generate(SEQUENCES, (request.length + 1).max(2), seed, 0);
    let (loss, probes) = model.probed_loss(&sequences, &trained.device);
    Ok(Flow::of(&model.recurrent, &probes, &loss)?)
}

/// Predicts for sequences as typed: `0.3 0.5* 0.1 0.25*`, with a star after the two marked numbers.
fn predict(trained: Adder, request: Predict, _: PredictOptions, output: &mut Output<'_>) -> Result<(), TaskError> {
    output.list();
    request.inputs.for_each([1, 1], "numbers> ", output, |inputs, output| {
        for input in inputs {
            let sequence = parse(input)?;
            let answer = predictions(&trained.models(), &sequence, &trained.device)?[0];
            output.line(format_args!("{answer:.4}\t{:.4}\t{input}", sequence.targets[0]))?;
            output.item(json!({"input": input, "answer": answer, "sum": sequence.targets[0]}));
        }
        Ok(())
    })
}

/// The sum that the model finds of one sequence.
fn play(trained: &Adder, play: Play, options: PlayOptions, answers: &mut Answers<'_>) -> Result<(), TaskError> {
    let seed = options.seed.unwrap_or_else(rand::random);
    let sequence = match play.text.trim() {
        "" => Sequences::generate(1, options.length.unwrap_or(trained.settings.data.length), seed, 0),
        text => parse(text)?,
    };
    let prediction = numbers(trained.model.forward(&sequence, &trained.device))?[0];
    let step = |step: &[f32]| json!({"value": step[0], "marked": step[1] != 0.0});
    let steps: Vec<Value> = sequence.inputs.chunks_exact(2).map(step).collect();
    let target = sequence.targets[0];
    answers.line(&json!({"sequence": steps, "target": target, "prediction": prediction, "seed": seed}))?;
    answers.line(&json!({"done": true}))
}

fn parse(input: &str) -> Result<Sequences, TaskError> {
    let (mut values, mut marks) = (Vec::new(), Vec::new());
    for (step, word) in input.split_whitespace().enumerate() {
        let number = word.strip_suffix('*');
        marks.extend(number.map(|_| step));
        let number = number.unwrap_or(word);
        let value = number.parse().ok().filter(|value: &f32| value.is_finite());
        values.push(value.ok_or_else(|| format!("{input:?}: {number:?} is not a number"))?);
    }
    let count = marks.len();
    let marks =
        marks.try_into().map_err(|_| format!("{input:?}: {count} marked numbers, want two: 0.3 0.5* 0.1 0.25*"))?;
    let mut sequences = Sequences::default();
    sequences.push(&values, marks);
    Ok(sequences)
}

#[cfg(test)]
mod tests;
