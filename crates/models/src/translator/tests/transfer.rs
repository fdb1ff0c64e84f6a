//! A language model as the decoder.

use super::*;
use crate::TransferError;
use crate::char_lm::{CharLm, CharLmSettings};

/// A language model of nine tokens.
fn language_model(settings: CharLmSettings, device: &Device) -> CharLm {
    settings.init_with(9, &mut ChaCha8Rng::seed_from_u64(3), device)
}

fn of(settings: &TranslatorSettings) -> CharLmSettings {
    let TranslatorSettings { recurrent, embedding, .. } = settings.clone();
    CharLmSettings { recurrent, embedding, ..CharLmSettings::default() }
}

fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().convert::<f32>().try_to_vec::<f32>().unwrap()
}

/// Token 5 of the eleven target tokens is token 2 of the language model, and so on.
const KNOWN: [Option<u32>; 11] =
    [None, Some(0), Some(1), Some(1), None, Some(2), Some(8), None, Some(4), Some(3), Some(5)];

#[rstest]
fn the_decoder_reads_known_tokens_as_the_language_model_does(
    #[values(Cell::Gru, Cell::Lstm)] cell: Cell,
    #[values(true, false)] tied: bool,
    #[values(true, false)] input_feeding: bool,
) {
    for device in devices() {
        let settings = TranslatorSettings { tied, input_feeding, ..settings(cell, AttentionKind::General, 0.0) };
        let lm = language_model(of(&settings), &device);
        let fresh = build(&settings, &device);
        let (model, with_output) = fresh.clone().with_language_model(&lm, &KNOWN).unwrap();
        assert!(!with_output, "the hidden state of the language model is wider than an embedding");
        let theirs = lm.trace(Tensor::from_data([[2, 8, 4]], &device), None).0.remove(1);
        let words = Tensor::<1, Int>::from_data([5, 6, 8], &device);
        let input = model.embed_target(words, 3, 1);
        let fed = Tensor::cat(vec![input.clone(), input.clone()], 2);
        let zeros = Tensor::cat(vec![input.clone(), input.zeros_like()], 2);
        for input in if input_feeding { vec![fed, zeros] } else { vec![input] } {
            let ours = values(model.decoder.forward_time_major(input, None, None).0);
            let pairs = ours.iter().zip(values(theirs.trace.hidden.clone()));
            // A table that is divided and multiplied by √E is off by rounding.
            pairs.for_each(|(a, b)| assert!((a - b).abs() < 1e-5, "{a} {b}"));
        }
        let row = |model: &Translator| values(model.target_embedding.val())[4 * 6..5 * 6].to_vec();
        assert_eq!(row(&model), row(&fresh));
        assert_eq!(values(model.output_bias.val()), values(fresh.output_bias.val()));
        assert_eq!(values(model.source_embedding.val()), values(fresh.source_embedding.val()));
    }
}

#[rstest]
#[case::own(8, false, true)]
#[case::tied(6, true, true)]
#[case::another_width(6, false, false)]
fn the_output_layer_is_taken_if_it_reads_as_many_values(
    #[case] embedding: usize,
    #[case] tied: bool,
    #[case] taken: bool,
) {
    for device in devices() {
        let settings =
            TranslatorSettings { embedding, tied: false, ..settings(Cell::Gru, AttentionKind::General, 0.0) };
        let lm = language_model(CharLmSettings { tied, ..of(&settings) }, &device);
        let fresh = build(&settings, &device);
        let (model, with_output) = fresh.clone().with_language_model(&lm, &KNOWN).unwrap();
        assert_eq!(with_output, taken);
        // The logits of the same values, from both output layers.
        let read = Tensor::<2>::ones([1, embedding], &device) * 0.3;
        let ours = values(model.logits(read.clone()));
        let theirs = match &lm.output {
            crate::char_lm::Output::Own(_) if !taken => return,
            crate::char_lm::Output::Own(layer) => values(layer.forward(read.clone())),
            crate::char_lm::Output::Tied(bias) => {
                let table = lm.embedding.as_ref().unwrap().val();
                values(read.clone().matmul(table.transpose()) + bias.val().unsqueeze())
            }
        };
        for (v, there) in KNOWN.iter().enumerate() {
            let wanted = there.map_or_else(|| values(fresh.logits(read.clone()))[v], |id| theirs[id as usize]);
            assert!((ours[v] - wanted).abs() < 1e-5, "{v}: {} {wanted}", ours[v]);
        }
    }
}

#[test]
fn another_shape_is_refused() {
    for device in devices() {
        let settings = settings(Cell::Gru, AttentionKind::General, 0.0);
        let start =
            |lm: CharLmSettings| build(&settings, &device).with_language_model(&language_model(lm, &device), &KNOWN);
        assert!(start(of(&settings)).is_ok());
        let deep = RecurrentSettings { layers: 3, ..settings.recurrent.clone() };
        let wide = RecurrentSettings { hidden: 6, ..settings.recurrent.clone() };
        for lm in [
            CharLmSettings { recurrent: deep, ..of(&settings) },
            CharLmSettings { recurrent: wide, ..of(&settings) },
            CharLmSettings { embedding: 5, ..of(&settings) },
            CharLmSettings { embedding: 0, ..of(&settings) },
        ] {
            assert!(matches!(start(lm), Err(TransferError::Shape { .. } | TransferError::Missing { .. })));
        }
    }
}
