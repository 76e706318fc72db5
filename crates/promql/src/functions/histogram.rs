//! Functions of one native histogram: `histogram_count` and its relatives.

use model::Histogram;
use promql_syntax::Expr;

use crate::column::Column;
use crate::error::EvalError;
use crate::evaluation::Evaluation;
use crate::histogram::buckets;
use crate::kahan::KahanSum;
use crate::series::Series;

pub(super) fn call(evaluation: &Evaluation<'_>, name: &str, arg: &Expr) -> Result<Vec<Series>, EvalError> {
    let (evaluation, function): (_, fn(&Histogram) -> f64) = match name {
        "histogram_count" => (evaluation.detecting_resets(true), |histogram| histogram.count),
        "histogram_sum" => (evaluation.detecting_resets(true), |histogram| histogram.sum),
        "histogram_avg" => (evaluation.detecting_resets(true), |histogram| histogram.sum / histogram.count),
        "histogram_stddev" => (evaluation.detecting_resets(false), |histogram| variance(histogram).sqrt()),
        _ => (evaluation.detecting_resets(false), variance),
    };
    let vector = evaluation.vector(arg)?.into_iter().filter(|series| series.column.has_histograms());
    let vector = vector.map(|series| {
        let mut column = Column::empty(evaluation.steps.count);
        for (step, histogram) in series.column.histograms() {
            column.put(step, function(histogram));
        }
        Series { labels: series.labels, drop_name: true, column }
    });
    Ok(vector.collect())
}

/// The variance, each bucket's observations taken to lie in its middle: the arithmetic one for written out bounds, zero for
/// a bucket around zero, else the geometric one.
fn variance(histogram: &Histogram) -> f64 {
    let mean = histogram.sum / histogram.count;
    let mut sum = KahanSum::default();
    for bucket in buckets(histogram).iter().filter(|bucket| bucket.count != 0.0) {
        let middle = if histogram.has_custom_bounds() {
            f64::midpoint(bucket.upper, bucket.lower)
        } else if bucket.lower <= 0.0 && 0.0 <= bucket.upper {
            0.0
        } else {
            (bucket.upper * bucket.lower).sqrt().copysign(bucket.upper)
        };
        let delta = middle - mean;
        sum.add(bucket.count * delta * delta);
    }
    sum.value() / histogram.count
}
