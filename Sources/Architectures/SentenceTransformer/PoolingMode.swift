/// A way in which the vectors of a text's tokens become one, as sentence-transformers' `Pooling` has them.
public enum PoolingMode: String, CaseIterable, Sendable {
    /// The first token's.
    case cls
    /// The largest of each component.
    case max
    /// The mean.
    case mean
    /// The sum, divided by the square root of the number of tokens.
    case meanSqrtLength = "mean_sqrt_len_tokens"
    /// The mean, in which the n-th token counts n times.
    case weightedMean = "weightedmean"
    /// The last token's.
    case lastToken = "lasttoken"

    /// The key by which older files say that it is used, in the order in which several are joined.
    var oldKey: String {
        switch self {
        case .cls: "pooling_mode_cls_token"
        case .max: "pooling_mode_max_tokens"
        case .mean: "pooling_mode_mean_tokens"
        case .meanSqrtLength: "pooling_mode_mean_sqrt_len_tokens"
        case .weightedMean: "pooling_mode_weightedmean_tokens"
        case .lastToken: "pooling_mode_lasttoken"
        }
    }
}
