import Testing

@testable import Designs
