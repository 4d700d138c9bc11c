extension ModelConfiguration {
    /// The width of one attention head.
    var headSize: Int { hiddenSize / numAttentionHeads }
}
