"""Tests of kNN-LM.

The invariants that it stands on, and where each is tested:

1   without weight the logits are the same bits       test_models: without_weight_the_logits_are_the_same_bits
2   a stored key finds its own token, with p = 1      test_datastore: a_stored_key_finds_its_own_token;
                                                      test_combining: all_weight_on_one_neighbour_is_its_token
3   probabilities sum to 1, in 16 bits too            test_combining: mixing_is_the_linear_reference, probabilities_of…;
                                                      test_models: models_in_16_bits_mix_to_one
4-6 a lower bound, a linear reference, tokens that    test_combining: mixing_is_the_linear_reference
    no neighbour has
7   values that repeat are added                      test_combining: values_that_repeat_are_added
8   temperature to 0 and to infinity                  test_combining: temperature_goes_from_the_nearest_…
9   scaled keys and temperature                       test_combining: scaled_keys_with_a_scaled_temperature_…
10  translation, rotation, full PCA                   test_datastore: distances_survive_a_turn_a_shift_and_a_full_pca
11  order of chunks, ties                             test_datastore: the_order_of_chunks_does_not_matter_and_ties_…
12  any history of builds and deletions               test_datastore: any_history_ends_in_the_same_neighbours
13  a deleted document                                test_datastore: a_deleted_document_is_out_of_play_at_once_…
14  k > N, an empty store, ids of -1                  test_datastore: k_beyond_the_store_…; test_indexing: few_lists_…
15  the value is the token after, within a document   test_datastore: the_value_at_a_state_is_the_token_after_it
16  pointers                                          test_datastore: pointers_keep_to_their_document_and_…
17  padding and batches                               test_models: padded_batches_write_what_each_writes_alone,
                                                      right_padding_does_not_reach_the_states_before_it
18  every list with flat codes, exact distances       test_indexing: every_list_…, exact_distances_never_lower_…
19  ids of 65,536 and more                            test_datastore: ids_beyond_16_bits_come_back
20  another model                                     test_datastore: any_difference_of_the_model_is_a_mismatch
21  all chunks chosen are the whole base              test_datastore: all_chunks_chosen_one_by_one_are_the_whole_base
22  masses sum to lambda, each has its place          test_datastore: the_masses_of_all_neighbours_are_lambda_…,
                                                      every_source_is_a_place_whose_token_was_written
23  the adaptive share                                test_combining: the_adaptive_weight_is_capped_and_falls_…
24  a larger distance gets less                       test_combining: a_larger_distance_never_gets_more
25  the model's forward is the original               test_models: keys_and_answers_of_a_family
"""
