/// Returns the number of levels between the top of a model and a parameter: the depth of layer-wise
/// learning-rate decay.
///
/// Head, pooler and everything else outside the encoder are the top, 0; encoder layer k, counted from 0, has
/// `layers` − k; parameters that all layers share are at `layers`, and the embeddings are below all layers,
/// at `layers` + 1.
///
/// - Parameters:
///   - name: The parameter's full name: `bert.encoder.layer.0.output.dense.weight`.
///   - layers: The number of the model's layers.
/// - Returns: The depth, never below 0.
public func layerDepth(of name: String, layers: Int) -> Int {
    let parts = name.split(separator: ".")
    if let place = parts.firstIndex(where: { $0 == "layer" || $0 == "layers" }), place > 0,
        ["encoder", "transformer", "model"].contains(parts[place - 1]), place + 1 < parts.count,
        let layer = Int(parts[place + 1])
    {
        return max(0, layers - layer)
    }
    let path = parts.dropLast()
    if path.contains("embeddings") || path.contains("embeddings_project") { return layers + 1 }
    // Parameters that all layers share, such as ALBERT's layers and the tables of relative positions.
    return path.contains("encoder") && !path.contains("layer") ? layers : 0
}
