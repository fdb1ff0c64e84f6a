//! Language model metrics, from the mean cross-entropy `H = -1/N Σ ln p(s_t | s_1 .. s_{t-1})` in nats per token.

/// The cross-entropy in bits per token, `H / ln 2`: bits per character if tokens are characters.
pub fn bits(nats: f64) -> f64 {
    nats / std::f64::consts::LN_2
}

/// The perplexity `e^H`: the number of equally likely tokens with the same uncertainty.
pub fn perplexity(nats: f64) -> f64 {
    nats.exp()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fair_coin_costs_one_bit_and_leaves_two_choices() {
        let nats = 0.5_f64.ln().abs();
        assert!((bits(nats) - 1.0).abs() < 1e-12);
        assert!((perplexity(nats) - 2.0).abs() < 1e-12);
    }

    #[test]
    fn certainty_costs_nothing() {
        assert_eq!((bits(0.0), perplexity(0.0)), (0.0, 1.0));
    }
}
