//! Native histograms as a job wants them: how fine they may be.

use model::Histogram;

use crate::config::Limits;

/// The finest and the coarsest resolution.
const SCHEMA_MAX: i8 = 8;
const SCHEMA_MIN: i8 = -4;

/// Makes a histogram as coarse as the limits ask for; whether that is possible.
pub(crate) fn fit(histogram: &mut Histogram, limits: &Limits) -> bool {
    let exponential = !histogram.has_custom_bounds();
    let schema_max = limits.native_bucket_factor_min.map_or(SCHEMA_MAX, finest_schema);
    while exponential && schema_max < histogram.schema {
        histogram.halve_resolution();
    }
    let Some(max) = limits.native_buckets_max else { return true };
    while max < histogram.bucket_count() {
        if !exponential || histogram.schema <= SCHEMA_MIN {
            return false;
        }
        histogram.halve_resolution();
    }
    true
}

/// The finest schema whose buckets grow by at least this factor: `2^(2^-schema)` is the factor of a schema.
fn finest_schema(factor: f64) -> i8 {
    if factor <= 1.0 {
        return SCHEMA_MAX;
    }
    let schema = (-factor.log2().log2()).floor();
    schema.clamp(f64::from(SCHEMA_MIN), f64::from(SCHEMA_MAX)) as i8
}

#[cfg(test)]
mod tests {
    use model::BucketSpan;

    use super::*;

    #[test]
    fn factors_are_schemas() {
        for (factor, schema) in [(1.0, 8), (1.002, 8), (1.1, 2), (2.0, 0), (4.0, -1), (1e9, -4), (1.4, 1)] {
            assert_eq!(finest_schema(factor), schema, "{factor}");
        }
    }

    #[test]
    fn too_many_buckets_become_fewer_while_they_can() {
        let check = |schema, custom: bool, max, expected: (bool, i8, usize)| {
            let mut histogram = Histogram {
                schema: if custom { model::CUSTOM_BUCKETS_SCHEMA } else { schema },
                positive_spans: vec![BucketSpan { offset: 0, length: 8 }],
                positive_buckets: vec![1.0; 8],
                ..Histogram::default()
            };
            let limits = Limits { native_buckets_max: max, native_bucket_factor_min: Some(1.1), ..Limits::default() };
            let fits = fit(&mut histogram, &limits);
            assert_eq!((fits, histogram.schema, histogram.bucket_count()), expected);
        };
        check(2, false, None, (true, 2, 8));
        check(3, false, None, (true, 2, 5));
        check(2, false, Some(3), (true, 0, 3));
        check(-4, false, Some(3), (false, -4, 8));
        check(0, true, Some(3), (false, model::CUSTOM_BUCKETS_SCHEMA, 8));
    }
}
