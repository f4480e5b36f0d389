"""Tests of chatglm."""
