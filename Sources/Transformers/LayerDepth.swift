/// How far below the head a parameter lies: 0 for the head and the pooler, 1 for the last layer, and one more than the first
/// layer's for the embeddings. With it a learning rate falls layer by layer (Howard and Ruder, arXiv 1801.06146, section
/// 3.2; as used by Clark et al., arXiv 2003.10555).
///
/// - Parameters:
///   - name: The parameter's full name, such as `bert.encoder.layer.3.output.dense.weight`.
///   - layers: The model's layers.
public func layerDepth(of name: String, layers: Int) -> Int {
    let parts = name.split(separator: ".")
    if parts.contains("embeddings") { return layers + 1 }
    guard let place = parts.firstIndex(of: "layer"), place + 1 < parts.count,
        let layer = Int(parts[place + 1])
    else { return 0 }
    return layers - layer
}
