// face_cv_layer.hpp: faster layers for OpenCV's networks.
#ifndef SID_FACE_CV_LAYER_HPP
#define SID_FACE_CV_LAYER_HPP

namespace sid {

// From now on networks that are loaded have the layers of face_cv_layer.cpp.
// Once in a process, before the first network.
void register_layers();

} // namespace sid

#endif
