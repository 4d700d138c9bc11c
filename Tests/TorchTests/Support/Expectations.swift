import Testing
import Torch

/// Expects the same shape and elements within `relative` of their size.
///
/// Where terms cancel, an element can be much smaller than what it was computed from: so a tenth of the
/// tolerance, relative to the largest element, is always granted.
func expectClose(
    _ actual: Tensor, _ expected: Tensor, relative: Double = 1e-5, _ what: String = "",
    sourceLocation: SourceLocation = #_sourceLocation
) throws {
    #expect(actual.shape == expected.shape, "shape of \(what)", sourceLocation: sourceLocation)
    try expectClose(
        try actual.array(of: Double.self), try expected.array(of: Double.self), relative: relative, what,
        sourceLocation: sourceLocation)
}

func expectClose(
    _ actual: [Double], _ expected: [Double], relative: Double = 1e-5, _ what: String = "",
    sourceLocation: SourceLocation = #_sourceLocation
) throws {
    try #require(actual.count == expected.count, "count of \(what)", sourceLocation: sourceLocation)
    let largest = expected.map(abs).filter(\.isFinite).max() ?? 0
    for (index, (a, e)) in zip(actual, expected).enumerated() {
        // Written so that a NaN on one side fails.
        let isClose = a == e || abs(a - e) <= relative * (abs(e) + 0.1 * largest)
        #expect(
            isClose, "\(what)[\(index)] is \(a), PyTorch's value is \(e)", sourceLocation: sourceLocation)
    }
}

/// Expects a ``TorchError`` whose message contains all these parts and is one line.
func expectTorchError(
    _ parts: String..., kind: TorchError.Kind? = nil, sourceLocation: SourceLocation = #_sourceLocation,
    _ body: () throws -> Void
) {
    let error = #expect(throws: TorchError.self, sourceLocation: sourceLocation, performing: body)
    guard let error else { return }
    for part in parts {
        #expect(
            error.description.contains(part), "'\(error)' lacks '\(part)'", sourceLocation: sourceLocation)
    }
    #expect(!error.description.contains("\n"), "more than one line: \(error)", sourceLocation: sourceLocation)
    if let kind { #expect(error.kind == kind, "\(error)", sourceLocation: sourceLocation) }
}

/// Compares the gradients of `function`'s sum, weighted unevenly, with central differences in float64.
func expectGradientMatchesDifferences(
    _ inputs: [[Double]], shapes: [[Int]], _ what: String,
    sourceLocation: SourceLocation = #_sourceLocation, _ function: ([Tensor]) throws -> Tensor
) throws {
    func weightedSum(_ tensors: [Tensor]) throws -> Tensor {
        let output = try function(tensors)
        let weights = (0..<output.count).map { 1 + 0.25 * Double($0 % 7) }
        return try (output * (try Tensor(weights, shape: output.shape))).sum()
    }
    let leaves = try zip(inputs, shapes).map { try Tensor($0, shape: $1) }
    for leaf in leaves { try leaf.setRequiresGrad(true) }
    try weightedSum(leaves).backward()
    let step = 1e-6
    for (place, leaf) in leaves.enumerated() {
        let gradient = try #require(try leaf.gradient).array(of: Double.self)
        for index in inputs[place].indices {
            func value(_ change: Double) throws -> Double {
                var moved = inputs
                moved[place][index] += change
                return try weightedSum(try zip(moved, shapes).map { try Tensor($0, shape: $1) }).item()
            }
            let expected = (try value(step) - value(-step)) / (2 * step)
            #expect(
                abs(gradient[index] - expected) <= 1e-6 * (1 + abs(expected)),
                "gradient \(place)[\(index)] of \(what): \(gradient[index]), differences give \(expected)",
                sourceLocation: sourceLocation)
        }
    }
}
